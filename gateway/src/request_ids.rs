//! Gives every request an id.
//!
//! Place: outside the translation of dialects, so that a refused request can be found in the log too. The request id is always new and goes
//! back to the client as `x-request-id`.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::HeaderName;
use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use uuid::Builder;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct RequestIds<S> {
    inner: S,
}

impl<S> RequestIds<S> {
    pub(crate) fn layer() -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(|inner| Self { inner })
    }
}

impl<S, B, R> Service<Request<B>> for RequestIds<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = IdentifiedAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let request_id = new_id();
        if let Some(request_id) = &request_id {
            request.headers_mut().insert(X_REQUEST_ID, request_id.clone());
        }
        IdentifiedAnswer { answer: self.inner.call(request), request_id }
    }
}

/// A random UUID, drawn from the generator of the thread, which needs no system call.
fn new_id() -> Option<HeaderValue> {
    let mut id = HeaderValue::try_from(Builder::from_random_bytes(rand::random()).into_uuid().to_string()).ok()?;
    // Not because it is a secret, but to keep a value that never comes again out of the compression table of HTTP/2.
    id.set_sensitive(true);
    Some(id)
}

pin_project! {
    /// The answer with the id of its request.
    pub(crate) struct IdentifiedAnswer<F> {
        #[pin]
        answer: F,
        request_id: Option<HeaderValue>,
    }
}

impl<F, R> Future for IdentifiedAnswer<F>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.answer.poll(cx)?);
        if let Some(request_id) = this.request_id.take() {
            response.headers_mut().insert(X_REQUEST_ID, request_id);
        }
        Poll::Ready(Ok(response))
    }
}
