//! Hands a call to the upstream of its method.
//!
//! Place: innermost. It adds nothing: what has to happen around a call happens in the layers outside.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures::TryFutureExt;
use futures::future::MapErr;
use http::{Request, Response};
use http_body::Body;
use tower::util::Oneshot;
use tower::{BoxError, Service, ServiceExt};

use crate::methods::Call;
use crate::upstream::Upstream;
use crate::upstream_fault::UpstreamFault;

/// The service; see the module.
#[derive(Clone)]
pub(crate) struct Forward;

impl<B> Service<Call<B>> for Forward
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<tonic::body::Body>;
    type Error = UpstreamFault;
    type Future = MapErr<Oneshot<Upstream, Request<tonic::body::Body>>, fn(BoxError) -> UpstreamFault>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<B>) -> Self::Future {
        let request = call.request.map(tonic::body::Body::new);
        call.method.route.upstream.clone().oneshot(request).map_err(UpstreamFault::of_failure)
    }
}
