//! Random tokens that are handed out once, of which only a hash is kept.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use bojagi_kernel::Failure;

/// Random bytes in a secret: 256 bits, which nobody guesses, so that a fast hash protects them.
const BYTES: usize = 32;

/// A secret as it is handed out.
pub(crate) struct Secret(String);

/// What is kept of a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SecretHash([u8; 32]);

impl Secret {
    /// A new secret.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub(crate) fn generate() -> Result<Self, Failure> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random_bytes()?)))
    }

    /// The text to hand out.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What to keep.
    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl SecretHash {
    /// The hash of a secret that a caller presents.
    pub(crate) fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented).into())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Random bytes from the operating system.
///
/// # Errors
/// When the machine has none.
pub(crate) fn random_bytes() -> Result<[u8; BYTES], Failure> {
    let mut bytes = [0; BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| Failure::broken(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_long_unique_and_silent() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_eq!(one.reveal().len(), 43);
        assert_ne!(one.reveal(), other.reveal());
        assert!(one.hash() == SecretHash::of(one.reveal()) && one.hash() != other.hash());
        assert_eq!(format!("{one:?}"), "Secret(redacted)");
    }
}
