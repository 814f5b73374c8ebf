//! A secret that the shop shares with the provider, and signatures made with it.

use std::fmt;

use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;

/// What a signature header begins with: it names the algorithm.
const SCHEME: &str = "sha256=";

/// A shared secret. It does not print itself.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret that nobody else knows: 256 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self(hex(&rand::random::<[u8; 32]>()))
    }

    /// How many bytes long it is.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The signature header of `body`: `sha256=` and the HMAC-SHA256 in small hexadecimal digits.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        // An HMAC takes keys of any length, so there always is one.
        let tag = self.mac(body).map(|mac| mac.finalize().into_bytes());
        tag.map(|tag| format!("{SCHEME}{}", hex(&tag))).unwrap_or_default()
    }

    /// Whether `header` is the signature of `body`. Takes the same time for any wrong signature of the right length.
    #[must_use]
    pub fn signed(&self, body: &[u8], header: &str) -> bool {
        let claimed = header.strip_prefix(SCHEME).and_then(unhex);
        match (claimed, self.mac(body)) {
            (Some(claimed), Some(mac)) => mac.verify_slice(&claimed).is_ok(),
            _ => false,
        }
    }

    fn mac(&self, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).ok()?;
        mac.update(body);
        Some(mac)
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .bytes()
        .map(|letter| match letter {
            b'0'..=b'9' => Some(letter - b'0'),
            b'a'..=b'f' => Some(letter - b'a' + 10),
            _ => None,
        })
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_well_known_one() {
        // RFC 4231, test case 2.
        let signature = Secret::from("Jefe").sign(b"what do ya want for nothing?");
        assert_eq!(signature, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn only_the_right_secret_and_body_hold() {
        let secret = Secret::from("one");
        let header = secret.sign(b"body");
        assert!(secret.signed(b"body", &header));
        assert!(!secret.signed(b"bodY", &header));
        assert!(!Secret::from("two").signed(b"body", &header));
        let shouted = format!("sha256={}", header["sha256=".len()..].to_uppercase());
        for forged in ["", "sha256=", "sha256=00", "sha1=00", "sha256=zz", &header[..header.len() - 2], &shouted] {
            assert!(!secret.signed(b"body", forged), "{forged}");
        }
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert!(!format!("{:?}", Secret::from("hush")).contains("hush"));
        assert_ne!(Secret::random(), Secret::random());
    }
}
