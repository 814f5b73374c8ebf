//! The port to whoever knows how to read a token.

use bytes::Bytes;
use futures::future::BoxFuture;

/// Checks bearer tokens. An implementation keeps its keys, and the verdict on each token until the token expires or is revoked, in memory:
/// the gateway asks for every call to a method that is not public, and the answer must not wait for anything.
pub trait Authenticator: Send + Sync + 'static {
    /// Who the token speaks for.
    ///
    /// # Errors
    /// See [`AuthenticationFailure`].
    fn verify(&self, bearer_token: &str) -> Result<Identity, AuthenticationFailure>;

    /// Asked after [`Unavailable`](AuthenticationFailure::Unavailable): a future upon whose end it is worth while to ask again, because keys
    /// may have come. It must end soon, whatever happens. None where waiting is of no use.
    fn wait(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// The keys with which others can check the same tokens, as the JSON of a key set (RFC 7517), where they are public. The gateway serves
    /// them at `/.well-known/jwks.json`.
    fn keys(&self) -> Option<Bytes> {
        None
    }

    /// How its memory of verified tokens serves, for operators. None where it remembers none.
    fn memory(&self) -> Option<TokenMemory> {
        None
    }
}

/// How a memory of verified tokens serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenMemory {
    /// Tokens that are remembered now.
    pub tokens: usize,
    /// How often a token was among them, since the start.
    pub hits: u64,
    /// How often it was not, and its signature had to be checked.
    pub misses: u64,
}

/// Who a verified token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account, as the issuer of the token names it.
    pub subject: String,
    /// The roles of the account, named as in [`Access::OneOf`](crate::Access::OneOf).
    pub roles: Vec<String>,
}

/// Why a token speaks for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationFailure {
    /// The token is malformed, forged, revoked, or meant for somebody else. Becomes UNAUTHENTICATED `TOKEN_INVALID`.
    #[error("the token is not valid")]
    Invalid,
    /// The token was good once. Becomes UNAUTHENTICATED `TOKEN_EXPIRED`, upon which a client refreshes it.
    #[error("the token has expired")]
    Expired,
    /// The keys that would tell are not there yet. Becomes UNAVAILABLE `KEYS_UNAVAILABLE`: the client must not throw its token away.
    #[error("tokens cannot be checked at the moment")]
    Unavailable,
}
