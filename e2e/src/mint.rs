//! Tokens signed with the key that the shop itself made, so that tests need no sign-up for each of a thousand people.

use std::path::Path;

use bojagi_chassis::tokens::{AUDIENCE, Claims, ISSUER, TYPE};
use bojagi_kernel::{Clock, SystemClock};
use bojagi_testkit::TestAccount;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rusqlite::Connection;
use uuid::Uuid;

/// The key of a shop.
#[derive(Clone)]
pub(crate) struct Mint {
    kid: String,
    key: EncodingKey,
}

impl Mint {
    /// Reads the newest signing key of the store of user.
    pub(crate) fn of(data: &Path) -> Self {
        let users = Connection::open(data.join("user.sqlite")).unwrap();
        let sql = "SELECT kid, seed FROM signing_key WHERE seed IS NOT NULL ORDER BY generation LIMIT 1";
        let (kid, seed): (String, [u8; 32]) = users.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let document = SigningKey::from_bytes(&seed).to_pkcs8_der().unwrap();
        Self { kid, key: EncodingKey::from_ed_der(document.as_bytes()) }
    }

    /// A token for the account, for an hour.
    pub(crate) fn token(&self, account: &TestAccount) -> String {
        let now = SystemClock.now();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: account.account_id.to_string(),
            sid: account.session_id.to_string(),
            jti: Uuid::now_v7().to_string(),
            iat_us: now.micros(),
            iat: now.seconds(),
            exp: now.seconds() + 3600,
            roles: account.roles.iter().map(|role| role.name().to_owned()).collect(),
        };
        let header = Header { typ: Some(TYPE.into()), kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}
