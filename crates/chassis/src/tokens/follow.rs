//! Keeps a [`Verifier`] up to date from the user context: keys by request, revocations by stream.

use std::str::FromStr;
use std::time::Duration;

use bojagi_api::user::session_service_client::SessionServiceClient;
use bojagi_api::user::watch_revocations_response::Revocation;
use bojagi_api::user::{GetJwksRequest, WatchRevocationsRequest, WatchRevocationsResponse};
use bojagi_kernel::id::AccountId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use uuid::Uuid;

use super::Verifier;
use crate::{Channel, wire};

/// The pause before user is asked again after it did not answer.
const PAUSE: Duration = Duration::from_millis(250);
/// How long nothing may come on the stream, not even a sign of life, which comes every few seconds: after that, whoever sent it
/// is taken for gone. A process that was frozen, or a network that takes everything and brings nothing, says no end.
const SILENCE: Duration = Duration::from_secs(30);
/// How often the keys are fetched anew.
const KEYS_FETCHED_EVERY: Duration = Duration::from_secs(300);

/// Follows user until `stop` is cancelled. While user cannot be reached, tokens live to their expiry, and the log says so.
pub async fn follow(verifier: &Verifier, channel: Channel, stop: CancellationToken) {
    let mut sessions = SessionServiceClient::new(channel);
    let mut cursor = String::new();
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = follow_once(verifier, &mut sessions, &mut cursor) => ended,
        };
        if let Err(status) = ended {
            // The cursor is of a history that user does not have any more: begin again with all that still matters.
            if status.code() == Code::InvalidArgument {
                cursor.clear();
            }
            tracing::warn!(code = ?status.code(), "revocations cannot be followed; tokens live to their expiry meanwhile");
        }
        let () = tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(PAUSE) => {} };
    }
}

async fn follow_once(
    verifier: &Verifier,
    sessions: &mut SessionServiceClient<Channel>,
    cursor: &mut String,
) -> Result<(), Status> {
    fetch_keys(verifier, sessions).await?;
    let watch = WatchRevocationsRequest { cursor: cursor.clone() };
    let mut revocations = sessions.watch_revocations(watch).await?.into_inner();
    let mut refetch = tokio::time::interval(KEYS_FETCHED_EVERY);
    refetch.reset();
    let silence = tokio::time::sleep(SILENCE);
    tokio::pin!(silence);
    loop {
        tokio::select! {
            _ = refetch.tick() => fetch_keys(verifier, sessions).await?,
            () = silence.as_mut() => return Err(Status::deadline_exceeded("nothing has come for too long")),
            message = revocations.message() => match message? {
                None => return Ok(()),
                Some(message) => {
                    apply(verifier, &message);
                    *cursor = message.cursor;
                    silence.as_mut().reset(Instant::now() + SILENCE);
                }
            },
        }
    }
}

async fn fetch_keys(verifier: &Verifier, sessions: &mut SessionServiceClient<Channel>) -> Result<(), Status> {
    let keys = sessions.get_jwks(GetJwksRequest {}).await?.into_inner().keys;
    let unreadable = verifier.set_keys(keys.iter().map(|key| (key.kid.as_str(), key.x.as_str())));
    if !unreadable.is_empty() {
        tracing::warn!(?unreadable, "keys that cannot be read were left out");
    }
    Ok(())
}

fn apply(verifier: &Verifier, message: &WatchRevocationsResponse) {
    let until = message.expires_at.as_ref().and_then(wire::moment);
    let applied = match &message.revocation {
        // A sign of life.
        None => Some(()),
        Some(Revocation::SessionId(session_id)) => {
            Uuid::try_parse(session_id).ok().zip(until).map(|(id, until)| verifier.revoke_session(id, until))
        }
        Some(Revocation::Account(account)) => {
            let before = account.issued_before.as_ref().and_then(wire::moment);
            let account_id = AccountId::from_str(&account.account_id).ok();
            account_id.zip(before).zip(until).map(|((id, before), until)| verifier.revoke_account(id, before, until))
        }
    };
    if applied.is_none() {
        tracing::error!(cursor = message.cursor, "a revocation cannot be read");
    }
}
