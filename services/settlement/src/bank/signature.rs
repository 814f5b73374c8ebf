//! The signature over what the bank tells: `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;

const SCHEME: &str = "sha256=";

/// What the bank and settlement share.
#[derive(Clone)]
pub(crate) struct WebhookSecret(Arc<[u8]>);

impl WebhookSecret {
    /// The configured secret, or a random one when there is none: then only a bank in this process can know it.
    pub(crate) fn of(configured: &str) -> Self {
        if configured.is_empty() {
            return Self(rand::random::<[u8; 32]>().as_slice().into());
        }
        Self(configured.as_bytes().into())
    }

    /// The signature of a body.
    pub(crate) fn sign(&self, body: &[u8]) -> String {
        let mut signature = SCHEME.to_owned();
        if let Some(mac) = self.mac(body) {
            for byte in mac.finalize().into_bytes() {
                // Writing to a String cannot fail.
                let _ = write!(signature, "{byte:02x}");
            }
        }
        signature
    }

    /// Whether a signature is that of the body; takes as long for a wrong one as for the right one.
    pub(crate) fn holds(&self, body: &[u8], signature: &str) -> bool {
        let digits = signature.strip_prefix(SCHEME).and_then(from_hexadecimal);
        let (Some(digits), Some(mac)) = (digits, self.mac(body)) else { return false };
        mac.verify_slice(&digits).is_ok()
    }

    fn mac(&self, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(body);
        Some(mac)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_body_and_secret_alone() {
        let secret = WebhookSecret::of("the bank and the shop know this and nobody else");
        let signature = secret.sign(b"paid");
        assert!(secret.holds(b"paid", &signature));
        assert!(!secret.holds(b"paid ", &signature));
        assert!(!WebhookSecret::of("").holds(b"paid", &signature));
        for forged in ["", "sha256=", "sha256=00", "sha256=zz", "sha1=00", &signature[1..], &signature[..20]] {
            assert!(!secret.holds(b"paid", forged), "{forged}");
        }
    }

    #[test]
    fn the_signature_is_the_one_that_everybody_computes() {
        // RFC 4231, test case 2.
        assert_eq!(
            WebhookSecret::of("Jefe").sign(b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", WebhookSecret::of("hush")), "WebhookSecret(…)");
    }
}
