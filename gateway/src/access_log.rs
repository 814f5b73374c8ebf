//! One line in the log for every call, when it is over: also for one that the client gave up.
//!
//! Place: inside the translation of dialects and outside the layer that answers errors, where every outcome is a status in native form. So
//! the line holds the true status, and bytes of messages rather than of base64. It never holds headers other than the ids.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bojagi_telemetry::TRACEPARENT;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::request_ids::X_REQUEST_ID;

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct AccessLog<S> {
    inner: S,
}

impl<S> AccessLog<S> {
    pub(crate) fn layer() -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(|inner| Self { inner })
    }
}

impl<S, B, R> Service<Request<B>> for AccessLog<S>
where
    S: Service<Request<CountedBody<B>>, Response = Response<R>, Error = Infallible>,
    R: Body,
{
    type Response = Response<LoggedBody<R>>;
    type Error = Infallible;
    type Future = LoggedAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let line = LogLine::begin(&request);
        let bytes_in = Arc::clone(&line.bytes_in);
        let request = request.map(|inner| CountedBody { inner, bytes: bytes_in });
        LoggedAnswer { answer: self.inner.call(request), line: Some(line) }
    }
}

/// What is known of a call so far. It is written when it is dropped, because only that happens to every call.
struct LogLine {
    uri: Uri,
    request_id: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
    began: Instant,
    bytes_in: Arc<AtomicU64>,
    bytes_out: u64,
    status: Option<Code>,
}

impl LogLine {
    fn begin<B>(request: &Request<B>) -> Self {
        Self {
            uri: request.uri().clone(),
            request_id: request.headers().get(X_REQUEST_ID).cloned(),
            traceparent: request.headers().get(TRACEPARENT).cloned(),
            began: Instant::now(),
            bytes_in: Arc::new(AtomicU64::new(0)),
            bytes_out: 0,
            status: None,
        }
    }

    /// Takes the status from headers or trailers, if they hold one.
    fn note_status(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get(Status::GRPC_STATUS) {
            self.status = Some(Code::from_bytes(status.as_bytes()));
        }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        // The layers further in end every answer with a status, so one without was given up by the client.
        let status = self.status.unwrap_or(Code::Cancelled);
        let trace_id = text(self.traceparent.as_ref()).split('-').nth(1).unwrap_or_default();
        tracing::info!(
            method = self.uri.path(),
            status = ?status,
            bytes_in = self.bytes_in.load(Ordering::Relaxed),
            bytes_out = self.bytes_out,
            duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            trace_id,
            request_id = text(self.request_id.as_ref()),
            "call ended"
        );
    }
}

fn text(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

pin_project! {
    /// The answer, its log line travelling with it.
    pub(crate) struct LoggedAnswer<F> {
        #[pin]
        answer: F,
        line: Option<LogLine>,
    }
}

impl<F, R> Future for LoggedAnswer<F>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
{
    type Output = Result<Response<LoggedBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.answer.poll(cx)?);
        if let Some(line) = this.line {
            line.note_status(response.headers());
        }
        let line = this.line.take();
        Poll::Ready(Ok(response.map(|inner| LoggedBody { inner, line })))
    }
}

pin_project! {
    /// A request body whose bytes are counted.
    pub(crate) struct CountedBody<B> {
        #[pin]
        inner: B,
        bytes: Arc<AtomicU64>,
    }
}

impl<B: Body<Data = Bytes>> Body for CountedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx)?);
        if let Some(bytes) = frame.as_ref().and_then(Frame::data_ref) {
            this.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pin_project! {
    /// A response body that is counted and watched for the status at its end.
    pub(crate) struct LoggedBody<B> {
        #[pin]
        inner: B,
        line: Option<LogLine>,
    }
}

impl<B: Body<Data = Bytes>> Body for LoggedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx)?);
        if let (Some(line), Some(frame)) = (this.line.as_mut(), &frame) {
            if let Some(bytes) = frame.data_ref() {
                line.bytes_out += bytes.len() as u64;
            }
            if let Some(trailers) = frame.trailers_ref() {
                line.note_status(trailers);
            }
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
