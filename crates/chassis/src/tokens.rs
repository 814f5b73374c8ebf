//! Verifying access tokens: JSON Web Tokens signed with Ed25519 by the user context.
//!
//! Keys come from user's JWKS by `kid`; verdicts are cached by token until it expires; revocations arrive on user's
//! stream and are looked at on every call, cached or not. [`follow`] keeps keys and revocations up to date.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bojagi_api::policy::Role;
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Clock, Failure, Moment};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Account, CommonRefusal};

mod follow;
#[cfg(test)]
mod tests;

pub use follow::follow;

/// The `iss` of every token.
pub const ISSUER: &str = "bojagi";
/// The `aud` of every access token.
pub const AUDIENCE: &str = "bojagi-api";
/// The `typ` in the header of an access token (RFC 9068).
pub const TYPE: &str = "at+jwt";
/// Tokens longer than this are not looked at.
const LONGEST_TOKEN: usize = 4096;
/// Verdicts kept at most.
const CACHED: usize = 65_536;
/// Revocations kept before the expired among them are looked for.
const REVOKED_KEPT: usize = 1_024;
/// How long the clocks of two machines may differ.
const LEEWAY: Duration = Duration::from_secs(5);

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: [`ISSUER`].
    pub iss: String,
    /// For whom: [`AUDIENCE`].
    pub aud: String,
    /// The account.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// The token's own id.
    pub jti: String,
    /// When it was issued, in microseconds since 1970, so that a revocation can be compared with it exactly.
    pub iat_us: i64,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
    /// The names of the account's roles.
    pub roles: Vec<String>,
}

/// Why a token does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is no token of ours.
    #[error("the access token is not valid")]
    Malformed,
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// It was revoked: signed out, suspended, or closed.
    #[error("the access token was revoked")]
    Revoked,
    /// Nothing can be said about it: no keys have come yet, so the caller should keep it and ask again.
    #[error("tokens cannot be checked yet")]
    KeysUnknown,
}

impl From<TokenFault> for Failure {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Malformed => CommonRefusal::TokenInvalid.into(),
            TokenFault::Expired => CommonRefusal::TokenExpired.into(),
            TokenFault::Revoked => CommonRefusal::TokenRevoked.into(),
            TokenFault::KeysUnknown => Self::Unavailable(Box::new(fault)),
        }
    }
}

/// A token that was verified.
struct Verdict {
    account: Arc<Account>,
    issued_at: Moment,
    expires_at: Moment,
}

/// What was revoked, and some of what has expired since.
#[derive(Default)]
struct Revoked {
    /// Until when a session has to be known.
    sessions: HashMap<Uuid, Moment>,
    accounts: HashMap<AccountId, RevokedAccount>,
    /// The expired are forgotten when there are as many as this.
    look_at: usize,
}

struct RevokedAccount {
    /// Tokens issued before this do not hold.
    before: Moment,
    /// Until when it has to be known.
    until: Moment,
}

impl Revoked {
    /// Forgets what has expired, each time that twice as much is kept as was left the last time: so a history of any length
    /// is taken in at the same cost for each.
    fn forget_the_expired(&mut self, now: Moment) {
        if self.sessions.len() + self.accounts.len() < self.look_at.max(REVOKED_KEPT) {
            return;
        }
        self.sessions.retain(|_, until| *until > now);
        self.accounts.retain(|_, account| account.until > now);
        self.look_at = 2 * (self.sessions.len() + self.accounts.len());
    }
}

/// Verdicts by token, in two generations: when the young one is full it becomes the old one, and the old one goes.
#[derive(Default)]
struct Verdicts {
    young: HashMap<String, Arc<Verdict>>,
    old: HashMap<String, Arc<Verdict>>,
}

impl Verdicts {
    fn get(&self, token: &str) -> Option<Arc<Verdict>> {
        self.young.get(token).or_else(|| self.old.get(token)).cloned()
    }

    fn insert(&mut self, token: &str, verdict: Arc<Verdict>) {
        if self.young.len() >= CACHED / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token.to_owned(), verdict);
    }
}

/// How the verdicts that are kept serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictCounts {
    /// Verdicts that are kept now.
    pub kept: usize,
    /// How often there was one already, since the start.
    pub hits: u64,
    /// How often a signature had to be checked.
    pub misses: u64,
}

/// Verifies access tokens. One a process.
pub struct Verifier {
    clock: Arc<dyn Clock>,
    keys: RwLock<HashMap<String, DecodingKey>>,
    published: RwLock<String>,
    keys_known: watch::Sender<bool>,
    verdicts: Mutex<Verdicts>,
    hits: AtomicU64,
    misses: AtomicU64,
    revoked: RwLock<Revoked>,
}

impl Verifier {
    /// A verifier that knows no keys yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let published = RwLock::new(json!({ "keys": [] }).to_string());
        Self {
            clock,
            keys: RwLock::default(),
            published,
            keys_known: watch::Sender::new(false),
            verdicts: Mutex::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            revoked: RwLock::default(),
        }
    }

    /// Takes over the set of public keys: key ids with the `x` of their JWK (RFC 8037). Keys that cannot be read are
    /// left out, and their ids answered.
    pub fn set_keys<'a>(&self, keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<&'a str> {
        let mut unreadable = Vec::new();
        let mut known = HashMap::new();
        let mut published = Vec::new();
        for (kid, x) in keys {
            match DecodingKey::from_ed_components(x) {
                Ok(key) => {
                    known.insert(kid.to_owned(), key);
                    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x});
                    published.push(jwk);
                }
                Err(_) => unreadable.push(kid),
            }
        }
        self.keys_known.send_replace(!known.is_empty());
        *self.keys.write() = known;
        *self.published.write() = json!({ "keys": published }).to_string();
        unreadable
    }

    /// Ends when there are keys.
    pub async fn keys_known(&self) {
        // The sender lives as long as this.
        let _ = self.keys_known.subscribe().wait_for(|known| *known).await;
    }

    /// The public keys as a JSON Web Key Set (RFC 7517), for others who check tokens.
    #[must_use]
    pub fn key_set(&self) -> String {
        self.published.read().clone()
    }

    /// Voids every token of a session. `until` is when the last of them will have expired anyway.
    pub fn revoke_session(&self, session_id: Uuid, until: Moment) {
        let mut revoked = self.revoked.write();
        revoked.forget_the_expired(self.clock.now());
        revoked.sessions.insert(session_id, until);
    }

    /// Voids every token of an account that was issued before a moment. `until` is when the last of them will have expired
    /// anyway.
    pub fn revoke_account(&self, account_id: AccountId, before: Moment, until: Moment) {
        let mut revoked = self.revoked.write();
        revoked.forget_the_expired(self.clock.now());
        let known = revoked.accounts.entry(account_id).or_insert(RevokedAccount { before, until });
        known.before = known.before.max(before);
        known.until = known.until.max(until);
    }

    /// The account that a token speaks for.
    ///
    /// # Errors
    /// Why it does not hold.
    pub fn verify(&self, token: &str) -> Result<Arc<Account>, TokenFault> {
        let cached = self.verdicts.lock().get(token);
        let verdict = match cached {
            Some(verdict) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                verdict
            }
            None => {
                self.misses.fetch_add(1, Ordering::Relaxed);
                let verdict = Arc::new(self.judge(token)?);
                self.verdicts.lock().insert(token, Arc::clone(&verdict));
                verdict
            }
        };
        if verdict.expires_at + LEEWAY <= self.clock.now() {
            return Err(TokenFault::Expired);
        }
        let revoked = self.revoked.read();
        let session_revoked = revoked.sessions.contains_key(&verdict.account.session_id);
        let account_revoked =
            revoked.accounts.get(&verdict.account.account_id).is_some_and(|account| verdict.issued_at < account.before);
        if session_revoked || account_revoked {
            return Err(TokenFault::Revoked);
        }
        Ok(Arc::clone(&verdict.account))
    }

    /// How the verdicts that are kept serve.
    #[must_use]
    pub fn verdict_counts(&self) -> VerdictCounts {
        let verdicts = self.verdicts.lock();
        VerdictCounts {
            kept: verdicts.young.len() + verdicts.old.len(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    fn judge(&self, token: &str) -> Result<Verdict, TokenFault> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenFault::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Malformed)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) {
            return Err(TokenFault::Malformed);
        }
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Expiry is judged by the injected clock, on every call.
        rules.validate_exp = false;
        let keys = self.keys.read();
        if keys.is_empty() {
            return Err(TokenFault::KeysUnknown);
        }
        let key = header.kid.as_deref().and_then(|kid| keys.get(kid)).ok_or(TokenFault::Malformed)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &rules).map_err(|_| TokenFault::Malformed)?.claims;
        Ok(Verdict {
            account: Arc::new(Account {
                account_id: claims.sub.parse().map_err(|_| TokenFault::Malformed)?,
                session_id: Uuid::try_parse(&claims.sid).map_err(|_| TokenFault::Malformed)?,
                roles: claims.roles.iter().filter_map(|name| Role::named(name)).collect(),
            }),
            issued_at: Moment::from_micros(claims.iat_us),
            expires_at: Moment::from_micros(claims.exp.saturating_mul(1_000_000)),
        })
    }
}
