//! Asks an endpoint how it is: `grpc.health.v1.Health/Watch`, <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use h2::client::SendRequest;
use http::{Request, Response, Uri};
use tokio::time::sleep;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::{BoxError, Service};

use super::endpoint::Endpoint;
use super::endpoint_set::EndpointSet;
use super::exchange::exchange;
use super::status::EndpointHealth;

/// Watches the health of an endpoint on one connection. It never ends, except with the connection: then nothing is known any more.
pub(crate) async fn watch(set: &Arc<EndpointSet>, endpoint: &Arc<Endpoint>, sender: SendRequest<Bytes>) {
    if !set.config.health.watch {
        return std::future::pending().await;
    }
    note(set, endpoint, EndpointHealth::Unknown);
    let mut client = HealthClient::with_origin(OnConnection { sender: sender.clone() }, origin(endpoint));
    let mut attempts_failed = 0_u32;
    loop {
        let mut heard = false;
        let ended = listen(set, endpoint, &mut client, &mut heard).await;
        if ended.code() == Code::Unimplemented {
            note(set, endpoint, EndpointHealth::Unwatched);
            return std::future::pending().await;
        }
        if sender.clone().ready().await.is_err() {
            note(set, endpoint, EndpointHealth::Unknown);
            return;
        }
        // A stream that told something may just have reached its longest time; one that tells nothing is a bad sign.
        if heard {
            attempts_failed = 0;
        } else {
            tracing::warn!(endpoint = &*endpoint.label, code = ?ended.code(), "the health of an endpoint cannot be watched");
            note(set, endpoint, EndpointHealth::NotServing);
        }
        let doubled =
            set.config.reconnect_first_ms.saturating_mul(1_u64.checked_shl(attempts_failed).unwrap_or(u64::MAX));
        sleep(Duration::from_millis(doubled.min(set.config.reconnect_longest_ms))).await;
        attempts_failed += 1;
    }
}

async fn listen(
    set: &EndpointSet,
    endpoint: &Endpoint,
    client: &mut HealthClient<OnConnection>,
    heard: &mut bool,
) -> Status {
    let service = set.config.health.service.clone();
    let mut answers = match client.watch(HealthCheckRequest { service }).await {
        Ok(answers) => answers.into_inner(),
        Err(status) => return status,
    };
    loop {
        let answer = match answers.message().await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Status::unavailable("the endpoint ended the watch"),
            Err(status) => return status,
        };
        *heard = true;
        let health = match answer.status() {
            ServingStatus::Serving => EndpointHealth::Serving,
            _ => EndpointHealth::NotServing,
        };
        note(set, endpoint, health);
    }
}

fn note(set: &EndpointSet, endpoint: &Endpoint, health: EndpointHealth) {
    if endpoint.says(health) {
        tracing::info!(endpoint = &*endpoint.label, ?health, "the health of an endpoint has changed");
        set.tell();
    }
}

fn origin(endpoint: &Endpoint) -> Uri {
    let (scheme, authority) = (endpoint.target.scheme().clone(), endpoint.target.authority().clone());
    Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().unwrap_or_default()
}

/// One connection as the generated client wants it.
struct OnConnection {
    sender: SendRequest<Bytes>,
}

impl Service<Request<Body>> for OnConnection {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let sender = self.sender.clone();
        Box::pin(async move { Ok(exchange(sender, request, ()).await?.map(Body::new)) })
    }
}
