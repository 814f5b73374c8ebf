//! Passwords as people type them.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// Fewest characters.
const SHORTEST: usize = 8;
/// Most characters; more would only cost time to hash.
pub(crate) const LONGEST: usize = 128;

/// Passwords that attackers try first, in lower case, one a line.
static WELL_KNOWN: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("password/well_known.txt").lines().filter(|line| !line.is_empty()).collect());

/// A password that may be set.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(String);

/// Why a password may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordFault {
    #[error("must have 8 to 128 characters")]
    Length,
    #[error("is one of the passwords that attackers try first; choose another")]
    WellKnown,
}

impl Password {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Password {
    type Err = PasswordFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !(SHORTEST..=LONGEST).contains(&text.chars().count()) {
            return Err(PasswordFault::Length);
        }
        if WELL_KNOWN.contains(text.to_lowercase().trim()) {
            return Err(PasswordFault::WellKnown);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_holds_a_thousand_that_length_alone_would_let_pass() {
        assert!(WELL_KNOWN.len() >= 1_000, "{}", WELL_KNOWN.len());
        for known in WELL_KNOWN.iter() {
            assert_eq!(known.parse::<Password>(), Err(PasswordFault::WellKnown), "{known:?}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!("맑은아침빛".parse::<Password>(), Err(PasswordFault::Length));
        assert!("맑은아침빛물결소".parse::<Password>().is_ok());
        assert!("가".repeat(128).parse::<Password>().is_ok());
        assert_eq!("가".repeat(129).parse::<Password>(), Err(PasswordFault::Length));
        assert_eq!("PassWord123".parse::<Password>(), Err(PasswordFault::WellKnown));
    }

    #[test]
    fn a_password_does_not_print_itself() {
        let password: Password = "orange lamp 77".parse().unwrap();
        assert_eq!(format!("{password:?}"), "Password(redacted)");
    }
}
