//! Makes a gRPC answer of every error: HTTP 200 with a status, in the headers if nothing was sent yet, else in trailers.
//!
//! Place: outside every layer that can fail, and inside the access log, which then sees only statuses.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::call_notes::CallNotes;
use crate::errors::Cause;

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct AnswerErrors<S> {
    inner: S,
}

impl<S> AnswerErrors<S> {
    pub(crate) fn layer() -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(|inner| Self { inner })
    }
}

impl<S, B, R> Service<Request<B>> for AnswerErrors<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Cause>,
{
    type Response = Response<AnsweredBody<R>>;
    type Error = Infallible;
    type Future = AnsweredCall<S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Nothing further in makes a call wait before it is taken.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let notes = CallNotes::of(&request);
        AnsweredCall { answer: self.inner.call(request), notes: Some(notes) }
    }
}

pin_project! {
    /// The answer, whatever happened.
    pub(crate) struct AnsweredCall<F> {
        #[pin]
        answer: F,
        notes: Option<Arc<CallNotes>>,
    }
}

impl<F, R> Future for AnsweredCall<F>
where
    F: Future<Output = Result<Response<R>, Cause>>,
{
    type Output = Result<Response<AnsweredBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx));
        let notes = this.notes.take();
        let response = match answer {
            Ok(response) => response.map(|inner| AnsweredBody { inner: Some(inner), notes }),
            Err(cause) => trailers_only(&cause, notes),
        };
        Poll::Ready(Ok(response))
    }
}

fn trailers_only<R>(cause: &Cause, notes: Option<Arc<CallNotes>>) -> Response<AnsweredBody<R>> {
    let mut response = Response::new(AnsweredBody { inner: None, notes: None });
    response.extensions_mut().insert(cause.reason());
    let headers = response.headers_mut();
    *headers = status_headers(cause, notes.as_deref());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    if let Some(challenge) = cause.www_authenticate() {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn status_headers(cause: &Cause, notes: Option<&CallNotes>) -> HeaderMap {
    cause.log();
    if let (Some(notes), Some(reason)) = (notes, cause.reason_of_gateway()) {
        notes.ended_for(reason);
    }
    let mut headers = HeaderMap::with_capacity(8);
    if cause.to_status().add_header(&mut headers).is_err() {
        // A status of ours can always be written; one that a service made may not be.
        headers.clear();
        headers.insert(Status::GRPC_STATUS, HeaderValue::from(Code::Unknown as i32));
    }
    headers
}

pin_project! {
    /// A response body that ends with trailers, whatever happens.
    pub(crate) struct AnsweredBody<B> {
        #[pin]
        inner: Option<B>,
        notes: Option<Arc<CallNotes>>,
    }
}

impl<B: Body<Data = Bytes, Error = Cause>> Body for AnsweredBody<B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.project();
        let mut inner = this.inner;
        let Some(body) = inner.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        match ready!(body.poll_frame(cx)) {
            Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
            Some(Err(cause)) => {
                // Dropping the body of the upstream is what cancels the call there.
                inner.set(None);
                Poll::Ready(Some(Ok(Frame::trailers(status_headers(&cause, this.notes.as_deref())))))
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
