//! The cluster as an upstream: finds an endpoint for a call and sends it there.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use h2::client::SendRequest;
use http::{HeaderValue, Request, Response, Uri, Version, header};
use tokio::time::{Instant, timeout_at};
use tonic::body::Body;
use tower::{BoxError, Service};

use super::Shared;
use super::attempt::{Attempt, Slot};
use super::balance::{Choice, choose};
use super::endpoint::Endpoint;
use super::exchange::exchange;
use super::lane::Place;
use super::refusal::ClusterRefusal;
use crate::call_notes::CallNotes;
use crate::deadline::tell_time_left;

/// So often a call is offered to an endpoint whose connection turns out to be of no use.
const MOST_OFFERS: usize = 3;

/// The service; see the module.
#[derive(Clone)]
pub(crate) struct ClusterService {
    shared: Arc<Shared>,
}

impl ClusterService {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Service<Request<Body>> for ClusterService {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // A call is refused rather than kept waiting, so that it can be told so.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match Slot::take(&self.shared) {
            Some(slot) => Box::pin(send(slot, request)),
            None => Box::pin(std::future::ready(Err(ClusterRefusal::Overloaded.into()))),
        }
    }
}

async fn send(slot: Slot, mut request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let found =
        find_place(slot.shared()).await.inspect_err(|refusal| slot.shared().endpoints.count_refusal(refusal))?;
    let Found { endpoint, place, sender } = found;
    CallNotes::of(&request).sent_to(&endpoint.label);
    // Finding an endpoint may have taken time, if a connection had to be opened.
    tell_time_left(&mut request);
    address_to(&endpoint, &mut request)?;
    let answer = exchange(sender, request, Attempt::begin(endpoint, slot, place)).await?;
    Ok(answer.map(Body::new))
}

/// Where a call goes.
struct Found {
    endpoint: Arc<Endpoint>,
    place: Place,
    sender: SendRequest<Bytes>,
}

/// An endpoint one of whose connections takes one more call. It waits while a first or a further connection is being opened.
async fn find_place(shared: &Shared) -> Result<Found, ClusterRefusal> {
    let set = &shared.endpoints;
    let patience = Instant::now() + Duration::from_millis(set.config.connect_ms);
    let mut changes = set.changes();
    let mut refused_by = None;
    let mut offers = 0;
    loop {
        changes.borrow_and_update();
        match choose(set, refused_by.as_ref()) {
            Choice::Endpoint(endpoint) => {
                let Some(place) = endpoint.take_place() else { continue };
                match place.sender().ready().await {
                    Ok(sender) => return Ok(Found { endpoint, place, sender }),
                    Err(error) if offers == MOST_OFFERS => return Err(ClusterRefusal::NotTaken(error)),
                    Err(_) => {
                        offers += 1;
                        endpoint.retire(&place.lane());
                        refused_by = Some(endpoint);
                    }
                }
            }
            Choice::Wait { full } => {
                let changed = timeout_at(patience, changes.changed()).await;
                if !matches!(changed, Ok(Ok(()))) {
                    return Err(if full { ClusterRefusal::Overloaded } else { ClusterRefusal::Unreachable });
                }
            }
            Choice::Full => return Err(ClusterRefusal::Overloaded),
            Choice::Nothing => return Err(ClusterRefusal::Unreachable),
        }
    }
}

/// Makes the request one of HTTP/2 to this endpoint.
fn address_to(endpoint: &Endpoint, request: &mut Request<Body>) -> Result<(), http::Error> {
    let path = request.uri().path_and_query().cloned();
    let uri = Uri::builder().scheme(endpoint.target.scheme().clone()).authority(endpoint.target.authority().clone());
    *request.uri_mut() =
        if let Some(path) = path { uri.path_and_query(path) } else { uri.path_and_query("/") }.build()?;
    *request.version_mut() = Version::HTTP_2;
    let headers = request.headers_mut();
    // What HTTP/1.1 says in `host`, HTTP/2 says in `:authority`; and the lengths differ where a message was translated.
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    Ok(())
}
