//! What makes a token hold. Nothing here waits or remembers.

use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::JwksConfig;
use super::keys::Keys;
use crate::identity::Identity;

/// Tokens longer than this are not looked at.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Why a token does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenFault {
    Invalid,
    Expired,
    /// It may hold, but its key is not here.
    UnknownKey,
}

/// A token that holds for a time.
pub(crate) struct Verified {
    pub(crate) identity: Identity,
    /// In seconds since 1970.
    pub(crate) expires_at: u64,
}

/// Which tokens hold.
#[derive(Clone, Debug)]
pub(crate) struct TokenRules {
    algorithms: Vec<Algorithm>,
    types: Vec<String>,
    validation: Validation,
    roles_claim: Vec<String>,
    leeway_seconds: u64,
}

/// The claims that have a meaning here.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl TokenRules {
    pub(crate) fn new(config: &JwksConfig) -> Self {
        let algorithms: Vec<_> = config.algorithms.iter().map(|algorithm| algorithm.algorithm()).collect();
        let mut validation = Validation::default();
        validation.set_issuer(&config.issuers);
        validation.set_audience(&config.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The times are judged below, by a clock that tests can move.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            algorithms,
            types: config.types.iter().map(|of| without_application(of).to_ascii_lowercase()).collect(),
            validation,
            roles_claim: config.roles_claim.split('.').map(str::to_owned).collect(),
            leeway_seconds: config.leeway_seconds,
        }
    }

    /// # Errors
    /// Why the token does not hold.
    pub(crate) fn verify(&self, token: &str, keys: &Keys, now: u64) -> Result<Verified, TokenFault> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenFault::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Invalid)?;
        if !self.algorithms.contains(&header.alg) || !self.is_of_a_type(header.typ.as_deref()) {
            return Err(TokenFault::Invalid);
        }
        let key = keys.find(header.kid.as_deref().ok_or(TokenFault::Invalid)?).ok_or(TokenFault::UnknownKey)?;
        // The key says how it is used, not the token: else a public key could be passed off as a shared secret.
        if !key.checks(header.alg) {
            return Err(TokenFault::Invalid);
        }
        let mut validation = self.validation.clone();
        validation.algorithms = vec![header.alg];
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key.key, &validation).map_err(|_| TokenFault::Invalid)?.claims;

        let leeway = self.leeway_seconds;
        if claims.nbf.is_some_and(|not_before| not_before > now.saturating_add(leeway) as f64) {
            return Err(TokenFault::Invalid);
        }
        let expires_at = claims.exp.max(0.0) as u64;
        if self.has_expired(expires_at, now) {
            return Err(TokenFault::Expired);
        }
        let roles = self.roles_in(&claims.others);
        Ok(Verified { identity: Identity { subject: claims.sub, roles }, expires_at })
    }

    pub(crate) const fn has_expired(&self, expires_at: u64, now: u64) -> bool {
        expires_at.saturating_add(self.leeway_seconds) <= now
    }

    /// RFC 7515, section 4.1.9: a media type, of which `application/` may be left out; letter case has no meaning.
    fn is_of_a_type(&self, typ: Option<&str>) -> bool {
        let named = |typ: &str| self.types.contains(&without_application(typ).to_ascii_lowercase());
        self.types.is_empty() || typ.is_some_and(named)
    }

    /// The roles of a list, or of a text in which spaces stand between them.
    fn roles_in(&self, claims: &Map<String, Value>) -> Vec<String> {
        let mut path = self.roles_claim.iter();
        let first = path.next().and_then(|name| claims.get(name));
        match path.try_fold(first, |value, name| value.map(|value| value.get(name))).flatten() {
            Some(Value::Array(roles)) => roles.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(roles)) => roles.split_whitespace().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

fn without_application(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => typ,
    }
}
