//! Callers with real tokens.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bojagi_api::policy::Role;
use bojagi_chassis::channel::Entrance;
use bojagi_chassis::tokens::{AUDIENCE, Claims, ISSUER, TYPE};
use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use tonic::body::Body;
use tower::Service;
use uuid::Uuid;

/// An account that tests sign in as.
#[derive(Debug, Clone)]
pub struct TestAccount {
    /// The account.
    pub account_id: AccountId,
    /// Its session.
    pub session_id: Uuid,
    /// Its roles.
    pub roles: Vec<Role>,
}

/// A key that signs the tokens of a test.
#[derive(Clone)]
pub struct TestKey {
    id: String,
    signing: EncodingKey,
    public: String,
}

impl TestKey {
    /// The id of a key that was not given another.
    pub const ID: &'static str = "test";

    /// The key that comes out of a seed.
    #[must_use]
    pub fn from_seed(seed: u8) -> Self {
        Self::new(Self::ID, &[seed; 32])
    }

    /// The key of this id with this private part, such as one that a shop has made itself.
    #[must_use]
    pub fn new(id: &str, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let document = key.to_pkcs8_der().unwrap();
        Self {
            id: id.to_owned(),
            signing: EncodingKey::from_ed_der(document.as_bytes()),
            public: URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()),
        }
    }

    /// The public key as the `x` of a JWK.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// A token for the account that lives for an hour from `now`.
    #[must_use]
    pub fn token(&self, account: &TestAccount, now: Moment) -> String {
        self.sign(&self.header(), &Self::claims(account, now))
    }

    /// What such a token says.
    #[must_use]
    pub fn claims(account: &TestAccount, now: Moment) -> Claims {
        Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: account.account_id.to_string(),
            sid: account.session_id.to_string(),
            jti: Uuid::now_v7().to_string(),
            iat_us: now.micros(),
            iat: now.seconds(),
            exp: now.seconds() + 3600,
            roles: account.roles.iter().map(|role| role.name().to_owned()).collect(),
        }
    }

    /// The header of such a token.
    #[must_use]
    pub fn header(&self) -> Header {
        Header { typ: Some(TYPE.into()), kid: Some(self.id.clone()), ..Header::new(Algorithm::EdDSA) }
    }

    /// Signs whatever a token may say under whatever header, for tokens that must be refused.
    #[must_use]
    pub fn sign(&self, header: &Header, claims: &impl Serialize) -> String {
        jsonwebtoken::encode(header, claims, &self.signing).unwrap()
    }
}

/// Calls a rig's services from outside, as an account or as nobody, through the guard.
#[derive(Clone)]
pub struct AccountChannel {
    pub(crate) entrance: Entrance,
    pub(crate) token: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

impl Service<http::Request<Body>> for AccountChannel {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = <Entrance as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        if let Some(token) = (self.token)() {
            let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.entrance.call(request)
    }
}
