//! E-mail addresses.

use std::fmt;
use std::str::FromStr;

/// Characters at most, as SMTP allows (RFC 5321, section 4.5.3.1, errata 1690).
const LONGEST: usize = 254;
/// Characters before the `@` at most (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;
/// Characters between two dots of a domain at most (RFC 1035, section 2.3.4).
const LONGEST_LABEL: usize = 63;

/// An e-mail address in lower case, so that two spellings of it are one account.
///
/// Taken are addresses that every mail server carries: ASCII, an unquoted local part, a domain with a dot in it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct EmailAddress(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as name@example.com, of at most 254 characters")]
pub(crate) struct NoEmailAddress;

impl EmailAddress {
    /// The address as it is stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = NoEmailAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NoEmailAddress)?;
        if text.len() > LONGEST || !is_local_part(local) || !is_domain(domain) {
            return Err(NoEmailAddress);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// Words of the characters that need no quotes, with single dots between them (RFC 5322, section 3.2.3).
fn is_local_part(local: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    local.len() <= LONGEST_LOCAL_PART && local.split('.').all(is_word)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(is_label)
}

impl fmt::Debug for EmailAddress {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_outer_spaces_do_not_matter() {
        let address: EmailAddress = " Mi.Ja+shop@Example.CO.kr ".parse().unwrap();
        assert_eq!(address.as_str(), "mi.ja+shop@example.co.kr");
        assert!(!format!("{address:?}").contains("ja"));
    }

    #[test]
    fn what_mail_servers_do_not_carry_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}.com", "b".repeat(64));
        let long = format!("a@{}com", "abcdefghi.".repeat(26));
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@example.com",
            "a@example",
            "a b@example.com",
            "a@exa mple.com",
            ".a@example.com",
            "a.@example.com",
            "a..b@example.com",
            "a@-example.com",
            "a@example-.com",
            "a@example..com",
            "a@example.com.",
            "a\r\nBcc:b@example.com",
            "미자@example.com",
            "a@b@example.com",
            "\"a b\"@example.com",
            long_local.as_str(),
            long_domain.as_str(),
            long.as_str(),
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(NoEmailAddress), "{text:?}");
        }
    }
}
