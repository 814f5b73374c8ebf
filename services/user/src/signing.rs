//! Signing keys, and the access tokens they sign.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bojagi_chassis::tokens::{AUDIENCE, Claims, ISSUER, TYPE};
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Store, Tx};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::config::{Config, days};
use crate::domain::account::{AccountKind, Standing};
use crate::domain::key_schedule::KeySchedule;
use crate::secret::random_bytes;
use crate::store::keys::{self, StoredKey};

/// What the clocks of two machines may differ by, and a little more.
pub(crate) const CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

/// A key in use.
struct Key {
    kid: String,
    /// The public part as the `x` of a JWK (RFC 8037).
    x: String,
    signs_from: Moment,
    /// Absent once the key rests.
    private: Option<EncodingKey>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key {{ kid: {}, private: redacted }}", self.kid)
    }
}

/// A key as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) kid: String,
    pub(crate) x: String,
}

/// Whom an access token speaks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bearer {
    pub(crate) account_id: AccountId,
    pub(crate) session_id: Uuid,
    pub(crate) standing: Standing,
}

/// An access token.
pub(crate) struct AccessToken {
    pub(crate) text: String,
    pub(crate) expires_at: Moment,
}

/// The keys, and how long what they sign holds.
pub(crate) struct Keyring {
    store: Store,
    schedule: KeySchedule,
    token_life: Duration,
    keys: RwLock<Arc<[Key]>>,
}

impl Keyring {
    /// The keys of the store; on the first start, a new one.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn open(store: Store, config: &Config, now: Moment) -> Result<Self, Failure> {
        let token_life = config.access_token_life();
        let schedule = KeySchedule {
            signs_for: days(config.signing_key_days),
            published_ahead: Duration::from_secs(u64::from(config.signing_key_ahead_minutes) * 60),
            needed_after: token_life + CLOCK_DIFFERENCE,
        };
        let keyring = Self { store, schedule, token_life, keys: RwLock::new(Arc::new([])) };
        keyring.maintain(now).await?;
        Ok(keyring)
    }

    /// Does what the schedule says, and takes over what other instances did.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn maintain(&self, now: Moment) -> Result<(), Failure> {
        let schedule = self.schedule;
        let stored = self.store.write(async move |tx: &mut Tx| follow_schedule(tx, schedule, now).await).await?;
        let known = self.keys();
        let taken_over = known.len() == stored.len() && known.iter().zip(&stored).all(|(key, row)| key.kid == row.kid);
        let keys = stored.iter().map(Key::from_stored).collect::<Result<Arc<[_]>, _>>()?;
        if !taken_over {
            tracing::info!(kids = ?keys.iter().map(|key| &key.kid).collect::<Vec<_>>(), "the signing keys have changed");
        }
        *self.keys.write() = keys;
        Ok(())
    }

    /// The keys that verify tokens, and those that are about to.
    pub(crate) fn public_keys(&self) -> Vec<PublicKey> {
        self.keys().iter().map(|key| PublicKey { kid: key.kid.clone(), x: key.x.clone() }).collect()
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// When there is no key that signs, which is a defect.
    pub(crate) fn issue(&self, bearer: Bearer, issued_at: Moment) -> Result<AccessToken, Failure> {
        let keys = self.keys();
        let signing = keys.iter().rev().find(|key| key.signs_from <= issued_at).or_else(|| keys.first());
        let Some((key, private)) = signing.and_then(|key| key.private.as_ref().map(|private| (key, private))) else {
            return Err(Failure::broken("no key signs at this moment"));
        };
        let expires_at = issued_at.seconds() + i64::try_from(self.token_life.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: bearer.account_id.to_string(),
            sid: bearer.session_id.to_string(),
            jti: Uuid::now_v7().to_string(),
            iat_us: issued_at.micros(),
            iat: issued_at.seconds(),
            exp: expires_at,
            roles: role_names(bearer.standing),
        };
        let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        let text = jsonwebtoken::encode(&header, &claims, private)
            .map_err(|error| Failure::broken(format!("a token could not be signed: {error}")))?;
        Ok(AccessToken { text, expires_at: Moment::from_micros(expires_at.saturating_mul(1_000_000)) })
    }

    fn keys(&self) -> Arc<[Key]> {
        Arc::clone(&self.keys.read())
    }
}

impl Key {
    fn from_stored(row: &StoredKey) -> Result<Self, Failure> {
        let private = row.seed.as_deref().map(|seed| encoding_key(&row.kid, seed)).transpose()?;
        Ok(Self {
            kid: row.kid.clone(),
            x: URL_SAFE_NO_PAD.encode(&row.public_key),
            signs_from: row.signs_from,
            private,
        })
    }
}

fn encoding_key(kid: &str, seed: &[u8]) -> Result<EncodingKey, Failure> {
    let unreadable = || Failure::broken(format!("the private part of key {kid} is unreadable"));
    let seed = seed.try_into().map_err(|_| unreadable())?;
    let document = SigningKey::from_bytes(seed).to_pkcs8_der().map_err(|_| unreadable())?;
    Ok(EncodingKey::from_ed_der(document.as_bytes()))
}

/// Does what is due, and answers the keys that are then there.
async fn follow_schedule(tx: &mut Tx, schedule: KeySchedule, now: Moment) -> Result<Vec<StoredKey>, Failure> {
    let stored = keys::all(tx).await?;
    let begins: Vec<_> = stored.iter().map(|key| key.signs_from).collect();
    let due = schedule.due(&begins, now);
    let generation_of_last =
        |count: usize| count.checked_sub(1).and_then(|last| stored.get(last)).map(|key| key.generation);

    if let Some(signs_from) = due.make {
        let generation = stored.last().map_or(1, |newest| newest.generation + 1);
        keys::insert(tx, &new_key(generation, signs_from)?).await?;
    }
    // Most rounds find nothing to do and write nothing.
    if let Some(generation) = generation_of_last(due.rest)
        && stored.iter().take(due.rest).any(|key| key.seed.is_some())
    {
        keys::rest(tx, generation).await?;
    }
    if let Some(generation) = generation_of_last(due.forget) {
        keys::forget(tx, generation).await?;
    }
    Ok(keys::all(tx).await?)
}

fn new_key(generation: i64, signs_from: Moment) -> Result<StoredKey, Failure> {
    let seed = random_bytes()?;
    let public_key = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    Ok(StoredKey {
        generation,
        kid: thumbprint(&public_key),
        seed: Some(seed.to_vec()),
        public_key: public_key.to_vec(),
        signs_from,
    })
}

/// The thumbprint of a public key (RFC 7638, with the members that RFC 8037 requires): the same key has the same id
/// wherever it is.
fn thumbprint(public_key: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public_key);
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

fn role_names(standing: Standing) -> Vec<String> {
    roles(standing).into_iter().map(|role| role.name().to_owned()).collect()
}

/// The roles that an account has.
pub(crate) fn roles(standing: Standing) -> Vec<bojagi_api::policy::Role> {
    use bojagi_api::policy::Role;
    let own = match standing.kind {
        AccountKind::Customer => Role::Customer,
        AccountKind::Seller => Role::Seller,
    };
    [own].into_iter().chain(standing.is_admin.then_some(Role::Admin)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_key_is_its_thumbprint() {
        // The example of RFC 8037, appendix A.3.
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_does_not_print_its_private_part() {
        let stored = new_key(1, Moment::from_micros(0)).unwrap();
        let key = Key::from_stored(&stored).unwrap();
        assert_eq!(format!("{key:?}"), format!("Key {{ kid: {}, private: redacted }}", stored.kid));
    }
}
