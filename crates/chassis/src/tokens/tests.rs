use std::sync::atomic::AtomicUsize;

use bojagi_api::user::session_service_server::{SessionService, SessionServiceServer};
use bojagi_api::user::{
    GetJwksRequest, GetJwksResponse, ListSessionsRequest, ListSessionsResponse, RefreshSessionRequest,
    RefreshSessionResponse, RevokeSessionRequest, RevokeSessionResponse, SignInRequest, SignInResponse, SignOutRequest,
    SignOutResponse, WatchRevocationsRequest, WatchRevocationsResponse,
};
use bojagi_kernel::ManualClock;
use futures::stream::Pending;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tower::util::BoxCloneSyncService;

use super::*;
use crate::Switchboard;

const NOW: Moment = Moment::from_micros(1_000_000_000_000);
const HOUR: Duration = Duration::from_secs(60 * 60);

#[test]
fn revocations_are_forgotten_when_they_have_expired() {
    let clock = Arc::new(ManualClock::at(NOW));
    let verifier = Verifier::new(clock.clone());
    for _ in 0..REVOKED_KEPT {
        verifier.revoke_session(Uuid::now_v7(), NOW + HOUR);
        verifier.revoke_account(AccountId::generate(), NOW, NOW + HOUR);
    }
    let kept = |verifier: &Verifier| {
        let revoked = verifier.revoked.read();
        (revoked.sessions.len(), revoked.accounts.len())
    };
    assert_eq!(kept(&verifier), (REVOKED_KEPT, REVOKED_KEPT), "all of them still matter");
    clock.advance(2 * HOUR);
    for _ in 0..REVOKED_KEPT {
        verifier.revoke_account(AccountId::generate(), NOW, NOW + 3 * HOUR);
    }
    assert_eq!(kept(&verifier), (0, REVOKED_KEPT));
}

#[test]
fn the_later_of_two_revocations_of_an_account_counts() {
    let verifier = Verifier::new(Arc::new(ManualClock::at(NOW)));
    let account_id = AccountId::generate();
    verifier.revoke_account(account_id, NOW + HOUR, NOW + 2 * HOUR);
    verifier.revoke_account(account_id, NOW, NOW + HOUR);
    let revoked = verifier.revoked.read();
    let known = &revoked.accounts[&account_id];
    assert_eq!((known.before, known.until), (NOW + HOUR, NOW + 2 * HOUR));
}

#[tokio::test(start_paused = true)]
async fn a_stream_on_which_nothing_comes_is_taken_for_dead() {
    let silent = Silent::default();
    let watched = Arc::clone(&silent.watched);
    let switchboard = Switchboard::default();
    let server = BoxCloneSyncService::new(SessionServiceServer::new(silent));
    assert!(switchboard.connect([("bojagi.user.v1.SessionService", server)]));
    let verifier = Verifier::new(Arc::new(ManualClock::at(NOW)));
    let stop = CancellationToken::new();
    let following = follow(&verifier, switchboard.channel("item"), stop.clone());
    let ended = tokio::time::timeout(Duration::from_secs(100), following).await;
    assert!(ended.is_err(), "it goes on for ever");
    assert_eq!(watched.load(Ordering::Relaxed), 4, "a stream is given up after half a minute, and there is another");
}

/// A user context that takes watchers and then says nothing any more.
#[derive(Default)]
struct Silent {
    watched: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl SessionService for Silent {
    type WatchRevocationsStream = Pending<Result<WatchRevocationsResponse, Status>>;

    async fn get_jwks(&self, _: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        Ok(Response::new(GetJwksResponse::default()))
    }

    async fn watch_revocations(
        &self,
        _: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        self.watched.fetch_add(1, Ordering::Relaxed);
        Ok(Response::new(futures::stream::pending()))
    }

    async fn sign_in(&self, _: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn refresh_session(
        &self,
        _: Request<RefreshSessionRequest>,
    ) -> Result<Response<RefreshSessionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn sign_out(&self, _: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_sessions(&self, _: Request<ListSessionsRequest>) -> Result<Response<ListSessionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn revoke_session(
        &self,
        _: Request<RevokeSessionRequest>,
    ) -> Result<Response<RevokeSessionResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
