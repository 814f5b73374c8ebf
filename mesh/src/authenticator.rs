//! What the gateway asks about tokens, answered by the verifier that the services ask too.

use std::sync::Arc;

use bojagi_chassis::tokens::{TokenFault, VerdictCounts, Verifier};
use bojagi_gateway::{AuthenticationFailure, Authenticator, Identity, TokenMemory};
use bytes::Bytes;

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
        }
    }

    fn memory(&self) -> Option<TokenMemory> {
        let VerdictCounts { kept, hits, misses } = self.0.verdict_counts();
        Some(TokenMemory { tokens: kept, hits, misses })
    }

    fn keys(&self) -> Option<Bytes> {
        Some(self.0.key_set().into())
    }
}
