//! Asks an endpoint how it is: `grpc.health.v1.Health/Watch`, <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>.

use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, Uri};
use tokio::time::sleep;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

use super::endpoint::Endpoint;
use super::endpoint_set::EndpointSet;
use super::exchange::exchange;
use super::lane::Place;
use super::status::EndpointHealth;

/// Watches the health of an endpoint on one connection, where it has a place like a call, if it is to be watched. It never ends, except with
/// the connection: then nothing is known any more.
pub(crate) async fn watch(set: &Arc<EndpointSet>, endpoint: &Arc<Endpoint>, place: Option<Place>) {
    let Some(place) = place else { return std::future::pending().await };
    let sender = place.sender();
    note(set, endpoint, EndpointHealth::Unknown);
    let mut attempts_failed = 0_u32;
    loop {
        let mut heard = false;
        let ended = listen(set, endpoint, sender.clone(), &mut heard).await;
        if ended.code() == Code::Unimplemented {
            note(set, endpoint, EndpointHealth::Unwatched);
            drop((place, sender));
            set.tell();
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
        sleep(set.config.pause(attempts_failed)).await;
        attempts_failed += 1;
    }
}

async fn listen(set: &EndpointSet, endpoint: &Endpoint, sender: SendRequest<Bytes>, heard: &mut bool) -> Status {
    let on_connection = service_fn(move |request: Request<Body>| exchange(sender.clone(), request, ()));
    let mut client = HealthClient::with_origin(on_connection, origin(endpoint));
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
