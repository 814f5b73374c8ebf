//! Calls to a context of another process.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::{Either, Ready, ready};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::{Called, Handler, InProcess};
use crate::deadline;

/// A service of another process, as a handler for the [`Switchboard`](super::Switchboard): what goes along with a call inside
/// the process (until when, in which trace) becomes headers, and who calls is shown by the connection of the workload.
///
/// Only calls that contexts make in their own name leave the process this way. A call from outside is not passed on: it would
/// arrive with an identity that its caller does not have.
#[derive(Clone)]
pub struct Elsewhere {
    by_workload: Arc<HashMap<&'static str, Handler>>,
}

impl Elsewhere {
    /// The ways to the service, by the workload that calls; each shows that workload's identity.
    #[must_use]
    pub fn new(by_workload: HashMap<&'static str, Handler>) -> Self {
        Self { by_workload: Arc::new(by_workload) }
    }
}

impl Service<http::Request<Body>> for Elsewhere {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Either<Called, Ready<Result<http::Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let inside = request.extensions_mut().remove::<InProcess>();
        let way = inside.and_then(|call| Some((self.by_workload.get(call.workload)?.clone(), call)));
        let Some((mut way, call)) = way else {
            return Either::Right(ready(Ok(Status::unimplemented("there is no such service").into_http())));
        };
        tell(call, request.headers_mut());
        Either::Left(way.call(request))
    }
}

fn tell(call: InProcess, headers: &mut HeaderMap) {
    // A workload speaks for itself, never with the token of somebody who called it.
    headers.remove(AUTHORIZATION);
    if let Some(deadline) = call.deadline {
        headers.insert("grpc-timeout", deadline::header(deadline.saturating_duration_since(Instant::now())));
    }
    if let Some(trace) = call.trace {
        trace.write_to(headers);
    }
}
