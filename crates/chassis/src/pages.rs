//! Page tokens: opaque to the client, signed, and bound to the query they came from.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::Fields;

/// Bytes of the signature that are kept: 128 bits.
const SIGNATURE: usize = 16;

/// Makes and reads page tokens.
///
/// ```
/// # use bojagi_chassis::{Fields, Pager};
/// let pager = Pager::new([7; 32]);
/// let token = pager.token("ListOrders of a customer", &(1_700_000_000_i64, "last id"));
/// let mut fields = Fields::new("order");
/// let after: Option<Option<(i64, String)>> = fields.page_token(&pager, "ListOrders of a customer", &token);
/// assert_eq!(after.flatten().unwrap().1, "last id");
/// ```
#[derive(Clone)]
pub struct Pager(Arc<[u8; 32]>);

impl Pager {
    /// A pager that signs with `key`. All instances of a context use the same one.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Arc::new(key))
    }

    /// The token of the page that begins after `cursor`. `query` names everything else that the list depends on: method,
    /// caller, filters, order.
    #[must_use]
    pub fn token(&self, query: &str, cursor: &impl Serialize) -> String {
        let mut bytes = serde_json::to_vec(cursor).unwrap_or_default();
        let signature = self.sign(query, &bytes);
        bytes.extend_from_slice(&signature[..SIGNATURE]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read<C: DeserializeOwned>(&self, query: &str, token: &str) -> Option<C> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (cursor, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
        let mac = self.mac(query, cursor)?;
        mac.verify_truncated_left(signature).ok()?;
        serde_json::from_slice(cursor).ok()
    }

    fn sign(&self, query: &str, cursor: &[u8]) -> Vec<u8> {
        // An HMAC takes keys of any length, so there always is one.
        self.mac(query, cursor).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_else(|| vec![0; SIGNATURE])
    }

    fn mac(&self, query: &str, cursor: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).ok()?;
        mac.update(&(query.len() as u64).to_be_bytes());
        mac.update(query.as_bytes());
        mac.update(cursor);
        Some(mac)
    }
}

impl Fields {
    /// The `page_token` of a list: `Some(None)` for the first page, otherwise where the page begins.
    pub fn page_token<C: DeserializeOwned>(&mut self, pager: &Pager, query: &str, token: &str) -> Option<Option<C>> {
        if token.is_empty() {
            return Some(None);
        }
        let cursor = pager.read(query, token);
        if cursor.is_none() {
            self.wrong("page_token", "is not one that this list gave out");
        }
        cursor.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_only_for_its_query_and_untouched() {
        let pager = Pager::new([1; 32]);
        let token = pager.token("a", &5_i64);
        assert_eq!(pager.read::<i64>("a", &token), Some(5));
        assert_eq!(pager.read::<i64>("b", &token), None);
        assert_eq!(Pager::new([2; 32]).read::<i64>("a", &token), None);
        let mut bent = URL_SAFE_NO_PAD.decode(&token).unwrap();
        bent[0] ^= 1;
        assert_eq!(pager.read::<i64>("a", &URL_SAFE_NO_PAD.encode(bent)), None);
        for malformed in ["", "x", "%%%", "AAAA"] {
            assert_eq!(pager.read::<i64>("a", malformed), None);
        }
    }
}
