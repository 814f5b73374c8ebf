//! `SessionService`.

use std::pin::Pin;
use std::sync::Arc;

use bojagi_api::user::session_service_server::SessionService;
use bojagi_api::user::{
    GetJwksRequest, GetJwksResponse, ListSessionsRequest, ListSessionsResponse, RefreshSessionRequest,
    RefreshSessionResponse, RevokeSessionRequest, RevokeSessionResponse, SignInRequest, SignInResponse, SignOutRequest,
    SignOutResponse, WatchRevocationsRequest, WatchRevocationsResponse,
};
use bojagi_chassis::{Caller, Fields, answer};
use bojagi_kernel::{Failure, Moment};
use futures::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{read, wire};
use crate::shared::Shared;
use crate::sign_in::SignIn;
use crate::watch_revocations::SIGN_OF_LIFE;
use crate::{NAME, end_sessions, sign_in, watch_revocations};

/// Characters of the name of a device at most.
const LONGEST_DEVICE_NAME: usize = 100;
/// How long the keys may be kept, in seconds: as long as verifiers do, and less than a key is published ahead.
const KEYS_MAX_AGE: i64 = 300;

/// Sign-in, the tokens that follow from it, and their end.
pub(crate) struct SessionRpc {
    pub(crate) shared: Arc<Shared>,
    pub(crate) stop: CancellationToken,
}

#[tonic::async_trait]
impl SessionService for SessionRpc {
    type WatchRevocationsStream = Pin<Box<dyn Stream<Item = Result<WatchRevocationsResponse, Status>> + Send>>;

    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        let origin = read::origin(request.metadata());
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let email = read::email(&mut fields, &asked.email);
            let password = read::password(&mut fields, "password", &asked.password);
            let device_name = read::optional_line(&mut fields, "device_name", &asked.device_name, LONGEST_DEVICE_NAME);
            let (Some(email), Some(password), Some(device_name)) = (email, password, device_name) else {
                return Err(fields.refuse());
            };
            let wish = SignIn { email, password, device_name };
            let (tokens, account) = sign_in::sign_in(&self.shared, &origin, wish).await?;
            Ok(SignInResponse { tokens: Some(wire::tokens(tokens)), account: Some(wire::account(account)) })
        })
        .await
    }

    async fn refresh_session(
        &self,
        request: Request<RefreshSessionRequest>,
    ) -> Result<Response<RefreshSessionResponse>, Status> {
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let Some(token) = read::token(&mut fields, "refresh_token", &asked.refresh_token) else {
                return Err(fields.refuse());
            };
            let tokens = sign_in::refresh(&self.shared, token).await?;
            Ok(RefreshSessionResponse { tokens: Some(wire::tokens(tokens)) })
        })
        .await
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        let caller = Caller::of(&request);
        answer::to(NAME, async {
            end_sessions::sign_out(&self.shared, caller.account()?).await?;
            Ok(SignOutResponse {})
        })
        .await
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, self.list(&caller, asked)).await
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Result<Response<RevokeSessionResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let session_id = fields.take("session_id", Uuid::try_parse(&asked.session_id).map_err(|_| "not a UUID"));
            let Some(session_id) = session_id else { return Err(fields.refuse()) };
            end_sessions::revoke(&self.shared, caller.account()?, session_id).await?;
            Ok(RevokeSessionResponse {})
        })
        .await
    }

    async fn get_jwks(&self, _: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        let keys = self.shared.keyring.public_keys().into_iter().map(wire::json_web_key).collect();
        let max_age = Some(prost_types::Duration { seconds: KEYS_MAX_AGE, nanos: 0 });
        Ok(Response::new(GetJwksResponse { keys, max_age }))
    }

    async fn watch_revocations(
        &self,
        request: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        let cursor = request.into_inner().cursor;
        answer::to(NAME, async {
            let position = self.read_cursor(&cursor).await?;
            let (store, clock) = (self.shared.store.clone(), Arc::clone(&self.shared.clock));
            let news = watch_revocations::watch(store, clock, position, SIGN_OF_LIFE, self.stop.clone());
            let stream = news.map(|news| news.map(wire::news).map_err(|failure| answer::status(NAME, failure)));
            Ok(Box::pin(stream) as Self::WatchRevocationsStream)
        })
        .await
    }
}

impl SessionRpc {
    async fn list(&self, caller: &Caller, asked: ListSessionsRequest) -> Result<ListSessionsResponse, Failure> {
        let caller = caller.account()?;
        let query = format!("ListSessions {}", caller.account_id);
        let mut fields = Fields::new(NAME);
        let place = |(micros, id): (i64, [u8; 16])| Some((Moment::from_micros(micros), Uuid::from_bytes(id)));
        let page = fields.page(&self.shared.pager, query, (asked.page_size, &asked.page_token), place);
        let Some(page) = page else { return Err(fields.refuse()) };
        let mut sessions = end_sessions::list(&self.shared, caller, page.after, page.limit()).await?;
        let next_page_token =
            page.cut(&mut sessions, |last| (last.last_used_at.micros(), last.session_id.into_bytes()));
        Ok(ListSessionsResponse {
            sessions: sessions.into_iter().map(|session| wire::session(session, caller.session_id)).collect(),
            next_page_token,
        })
    }

    async fn read_cursor(&self, cursor: &str) -> Result<i64, Failure> {
        let mut fields = Fields::new(NAME);
        let position = if cursor.is_empty() { Some(0) } else { cursor.parse().ok() };
        match position {
            Some(position) if watch_revocations::knows(&self.shared, position).await? => Ok(position),
            _ => {
                fields.wrong("cursor", "is not one that this stream gave out; begin again without one");
                Err(fields.refuse())
            }
        }
    }
}
