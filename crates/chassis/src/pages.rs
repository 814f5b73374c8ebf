//! Pages of lists, and page tokens: opaque to the client, signed, and bound to the query they came from.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::Fields;

/// Bytes of the signature that are kept: 128 bits.
const SIGNATURE: usize = 16;

/// Makes and reads page tokens; see [`Page`].
#[derive(Clone)]
pub struct Pager(Arc<[u8; 32]>);

impl std::fmt::Debug for Pager {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pager")
    }
}

impl Pager {
    /// A pager that signs with `key`. All instances of a context use the same one.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Arc::new(key))
    }

    /// A pager that signs with a key made of `secret`, which should be as hard to guess as 32 random bytes.
    #[must_use]
    pub fn of_secret(secret: &str) -> Self {
        Self::new(Sha256::digest(secret.as_bytes()).into())
    }

    /// The token of the page that begins after `cursor`. `query` names everything else that the list depends on: method,
    /// caller, filters, order.
    fn token(&self, query: &str, cursor: &impl Serialize) -> String {
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

/// A page of a list, as it was asked for. One more than it holds is read, to know whether another page follows.
///
/// ```
/// # use bojagi_chassis::{Fields, Pager};
/// # let (pager, numbers) = (Pager::new([7; 32]), [1_i64, 2, 3]);
/// # let read_from = |after: Option<i64>, limit: i64| -> Vec<i64> {
/// #     numbers.into_iter().filter(|n| *n > after.unwrap_or(0)).take(limit as usize).collect()
/// # };
/// let mut fields = Fields::new("order");
/// let page = fields.page(&pager, "ListNumbers", (2, ""), Some::<i64>).unwrap();
/// let mut listed = read_from(page.after, page.limit());
/// let next_page_token = page.cut(&mut listed, |last| *last);
/// assert_eq!(listed, [1, 2]);
///
/// let page = fields.page(&pager, "ListNumbers", (2, &next_page_token), Some::<i64>).unwrap();
/// let mut listed = read_from(page.after, page.limit());
/// assert_eq!(page.cut(&mut listed, |last| *last), "", "the end");
/// assert_eq!(listed, [3]);
/// ```
#[derive(Debug)]
pub struct Page<Place> {
    /// The place of the last thing on the page before; nothing for the first page.
    pub after: Option<Place>,
    pager: Pager,
    query: String,
    size: i64,
}

impl<Place> Page<Place> {
    /// How many to read.
    #[must_use]
    pub const fn limit(&self) -> i64 {
        self.size + 1
    }

    /// Cuts what was read to the page, and makes the token of the next one, which begins after the `cursor` of the last;
    /// empty at the end of the list.
    pub fn cut<T, C: Serialize>(&self, listed: &mut Vec<T>, cursor: impl FnOnce(&T) -> C) -> String {
        let size = usize::try_from(self.size).unwrap_or_default();
        if listed.len() <= size {
            return String::new();
        }
        listed.truncate(size);
        listed.last().map(|last| self.pager.token(&self.query, &cursor(last))).unwrap_or_default()
    }
}

impl Fields {
    /// The page that a request asks for by its `page_size` and `page_token`, of the list that `query` names with its caller
    /// and filters. `place` reads a cursor as [`Page::cut`] was given it.
    pub fn page<C: DeserializeOwned, Place>(
        &mut self,
        pager: &Pager,
        query: impl Into<String>,
        (size, token): (i32, &str),
        place: impl FnOnce(C) -> Option<Place>,
    ) -> Option<Page<Place>> {
        let query = query.into();
        let size = self.page_size(size);
        let after = if token.is_empty() { Some(None) } else { pager.read(&query, token).and_then(place).map(Some) };
        if after.is_none() {
            self.wrong("page_token", "is not one that this list gave out");
        }
        Some(Page { after: after?, pager: pager.clone(), query, size: size? })
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
