//! What the gateway asks about tokens, answered by the verifier that the services ask too.

use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::tokens::{TokenFault, VerdictCounts, Verifier};
use bojagi_gateway::{AuthenticationFailure, Authenticator, Identity, TokenMemory};
use bytes::Bytes;
use futures::future::BoxFuture;

/// How long a call waits for the first keys.
const KEYS_WITHIN: Duration = Duration::from_secs(1);

pub(crate) struct TokenAuthenticator(pub(crate) Arc<Verifier>);

impl Authenticator for TokenAuthenticator {
    fn verify(&self, bearer_token: &str) -> Result<Identity, AuthenticationFailure> {
        match self.0.verify(bearer_token) {
            Ok(account) => Ok(Identity {
                subject: account.account_id.to_string(),
                roles: account.roles.iter().map(|role| role.name().to_owned()).collect(),
            }),
            Err(TokenFault::Expired) => Err(AuthenticationFailure::Expired),
            Err(TokenFault::Malformed | TokenFault::Revoked) => Err(AuthenticationFailure::Invalid),
            Err(TokenFault::KeysUnknown) => Err(AuthenticationFailure::Unavailable),
        }
    }

    fn wait(&self) -> Option<BoxFuture<'static, ()>> {
        let verifier = Arc::clone(&self.0);
        Some(Box::pin(async move {
            // Whether they have come is asked again in any case.
            let _ = tokio::time::timeout(KEYS_WITHIN, verifier.keys_known()).await;
        }))
    }

    fn memory(&self) -> Option<TokenMemory> {
        let VerdictCounts { kept, hits, misses } = self.0.verdict_counts();
        Some(TokenMemory { tokens: kept, hits, misses })
    }

    fn keys(&self) -> Option<Bytes> {
        Some(self.0.key_set().into())
    }
}
