//! Keys by their id.

use std::collections::HashMap;

use bytes::Bytes;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::source::SourceError;

/// More keys than this in one set are no key set but an attack or a mistake.
const MOST_KEYS: usize = 256;

/// The keys of all sources.
pub(crate) struct Keys {
    by_id: HashMap<String, PublicKey>,
    document: Bytes,
    version: u64,
}

/// A key with which signatures can be checked.
#[derive(Clone)]
pub(crate) struct PublicKey {
    pub(crate) key: DecodingKey,
    algorithms: Vec<Algorithm>,
    /// As it was published, for others who want to check tokens, but without what must stay private.
    published: Value,
    was_private: bool,
}

impl PublicKey {
    /// Whether a signature by this algorithm may be checked with it.
    pub(crate) fn checks(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether its private half was published with it, so that whoever has seen it can sign tokens.
    pub(crate) const fn was_private(&self) -> bool {
        self.was_private
    }
}

/// The keys of one source, by their ids.
pub(crate) type KeySet = HashMap<String, PublicKey>;

impl Keys {
    /// The keys of all sources; where two have the same id, that of the first source counts.
    pub(crate) fn of<'s>(sets: impl IntoIterator<Item = &'s KeySet>, version: u64) -> Self {
        let mut by_id = KeySet::new();
        for (id, key) in sets.into_iter().flatten() {
            by_id.entry(id.clone()).or_insert_with(|| key.clone());
        }
        let mut published: Vec<_> = by_id.iter().map(|(id, key)| (id, &key.published)).collect();
        published.sort_by_key(|(id, _)| *id);
        let published: Vec<_> = published.into_iter().map(|(_, key)| key).collect();
        let document = serde_json::json!({ "keys": published }).to_string().into();
        Self { by_id, document, version }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&PublicKey> {
        self.by_id.get(id)
    }

    /// All of them as a key set (RFC 7517).
    pub(crate) fn document(&self) -> Bytes {
        self.document.clone()
    }

    /// Differs whenever the keys do.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }
}

/// Reads a key set. Keys that cannot be used to check signatures are left out, as RFC 7517 asks; so are those without an id.
///
/// # Errors
/// When it is no key set.
pub(crate) fn read(document: &[u8]) -> Result<KeySet, SourceError> {
    let no_key_set = |error: serde_json::Error| SourceError(format!("this is no key set: {error}"));
    let values: HashMap<String, Value> = serde_json::from_slice(document).map_err(no_key_set)?;
    let Some(Value::Array(listed)) = values.get("keys") else {
        return Err(SourceError("this is no key set: it has no list of keys".to_owned()));
    };
    if listed.len() > MOST_KEYS {
        return Err(SourceError(format!("the key set has more than {MOST_KEYS} keys")));
    }
    Ok(listed.iter().filter_map(usable).collect())
}

fn usable(value: &Value) -> Option<(String, PublicKey)> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    let common = &jwk.common;
    let id = common.key_id.clone()?;
    let is_for_signatures = common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let mut algorithms = algorithms_of(&jwk.algorithm);
    if let Some(only) = common.key_algorithm {
        algorithms.retain(|algorithm| format!("{algorithm:?}") == only.to_string());
    }
    if !is_for_signatures || algorithms.is_empty() {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let mut published = value.clone();
    let was_private = remove_private(&mut published);
    Some((id, PublicKey { key, algorithms, published, was_private }))
}

/// The members of a key that only its owner may know: RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1, RFC 8037, and `priv` of newer kinds of keys.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Removes the private half of a key, if it is there.
fn remove_private(key: &mut Value) -> bool {
    let Some(members) = key.as_object_mut() else { return false };
    let before = members.len();
    members.retain(|name, _| !PRIVATE.contains(&name.as_str()));
    members.len() < before
}

/// The algorithms that a key of this kind can check. A shared secret checks none: whoever can read it could sign with it.
fn algorithms_of(parameters: &AlgorithmParameters) -> Vec<Algorithm> {
    match parameters {
        AlgorithmParameters::RSA(_) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => Vec::new(),
        },
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
        AlgorithmParameters::OctetKeyPair(_) | AlgorithmParameters::OctetKey(_) => Vec::new(),
    }
}
