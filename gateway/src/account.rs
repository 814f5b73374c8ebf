//! Keeps account of every call: bytes, the status it ended with, how long it took. When the call is over, whether the client saw its end or
//! gave it up, the account goes into the access log and the metrics.
//!
//! Place: inside the translation of dialects and outside the layer that answers errors, where every outcome is a status in native form. So
//! the account holds the true status, and bytes of messages rather than of base64.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bojagi_telemetry::TRACEPARENT;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Span;

use crate::access_log;
use crate::call_notes::CallNotes;
use crate::clean_headers::X_USER_AGENT;
use crate::client_address::ClientAddress;
use crate::dialect::Dialect;
use crate::metrics::{DialectLabel, Ended, MethodMetrics};
use crate::request_ids::X_REQUEST_ID;
use crate::trace;

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Account<S> {
    inner: S,
    others: Arc<MethodMetrics>,
}

impl<S> Account<S> {
    /// `others` counts the calls of methods that are not there.
    pub(crate) fn layer(others: Arc<MethodMetrics>) -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(move |inner| Self { inner, others: Arc::clone(&others) })
    }
}

impl<S, B, R> Service<Request<B>> for Account<S>
where
    S: Service<Request<CountedBody<B>>, Response = Response<R>, Error = Infallible>,
    R: Body,
{
    type Response = Response<AccountedBody<R>>;
    type Error = Infallible;
    type Future = AccountedAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let spans = trace::begin_call(&mut request);
        let record = CallRecord::begin(&request, spans, &self.others);
        let notes = Arc::clone(&record.notes);
        request.extensions_mut().insert(Arc::clone(&notes));
        let request = request.map(|inner| CountedBody { inner, notes });
        AccountedAnswer { answer: self.inner.call(request), record: Some(record) }
    }
}

/// What is known of a call so far. It is handed in when it is dropped, because only that happens to every call.
pub(crate) struct CallRecord {
    pub(crate) uri: Uri,
    pub(crate) dialect: DialectLabel,
    pub(crate) client: Option<IpAddr>,
    pub(crate) began: Instant,
    pub(crate) notes: Arc<CallNotes>,
    pub(crate) bytes_out: u64,
    request_id: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    status: Option<Code>,
    span: Span,
    told: bojagi_telemetry::Span,
    others: Arc<MethodMetrics>,
}

impl CallRecord {
    fn begin<B>(
        request: &Request<B>,
        (span, told): (Span, bojagi_telemetry::Span),
        others: &Arc<MethodMetrics>,
    ) -> Self {
        let (headers, extensions) = (request.headers(), request.extensions());
        let dialect = extensions.get::<Dialect>().copied().unwrap_or(Dialect::Native).into();
        Self {
            uri: request.uri().clone(),
            dialect,
            client: extensions.get::<ClientAddress>().map(|client| client.0),
            began: Instant::now(),
            notes: Arc::new(CallNotes::of_dialect(dialect)),
            bytes_out: 0,
            request_id: headers.get(X_REQUEST_ID).cloned(),
            traceparent: headers.get(TRACEPARENT).cloned(),
            user_agent: headers.get(X_USER_AGENT).or_else(|| headers.get(USER_AGENT)).cloned(),
            status: None,
            span,
            told,
            others: Arc::clone(others),
        }
    }

    /// The status that the client got. The layers further in end every answer with one, so a call without was given up by the client.
    pub(crate) fn code(&self) -> Code {
        self.status.unwrap_or(Code::Cancelled)
    }

    pub(crate) fn request_id(&self) -> &str {
        text(self.request_id.as_ref())
    }

    pub(crate) fn trace_id(&self) -> &str {
        text(self.traceparent.as_ref()).split('-').nth(1).unwrap_or_default()
    }

    pub(crate) fn user_agent(&self) -> &str {
        text(self.user_agent.as_ref())
    }

    /// Takes the status from headers or trailers, if they hold one.
    fn note_status(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get(Status::GRPC_STATUS) {
            self.status = Some(Code::from_bytes(status.as_bytes()));
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        access_log::write(self);
        let notes = &self.notes;
        let ended = Ended {
            dialect: self.dialect,
            code: self.code(),
            reason: notes.reason(),
            duration: self.began.elapsed(),
            messages_in: notes.messages_in(),
            messages_out: notes.messages_out(),
            bytes_in: notes.bytes_in(),
            bytes_out: self.bytes_out,
            attempts: notes.attempts().count,
        };
        notes.end(&ended, &self.others);
        let (code, reason, dialect) = (ended.code, ended.reason, self.dialect.name());
        self.told.describe_call(|| self.notes.method(&self.others).path(), code);
        self.told.describe(|details| {
            details.set("bojagi.dialect", dialect);
            if let Some(reason) = reason {
                details.set("error.type", reason);
            }
        });
    }
}

fn text(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

pin_project! {
    /// The answer, its record travelling with it.
    pub(crate) struct AccountedAnswer<F> {
        #[pin]
        answer: F,
        record: Option<CallRecord>,
    }
}

impl<F, R> Future for AccountedAnswer<F>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
{
    type Output = Result<Response<AccountedBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let span = this.record.as_ref().map(|record| record.span.clone());
        let _entered = span.as_ref().map(Span::enter);
        let response = ready!(this.answer.poll(cx)?);
        if let Some(record) = this.record {
            record.note_status(response.headers());
        }
        let record = this.record.take();
        Poll::Ready(Ok(response.map(|inner| AccountedBody { inner, record })))
    }
}

pin_project! {
    /// A request body whose bytes are counted.
    pub(crate) struct CountedBody<B> {
        #[pin]
        inner: B,
        notes: Arc<CallNotes>,
    }
}

impl<B: Body<Data = Bytes>> Body for CountedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx)?);
        if let Some(bytes) = frame.as_ref().and_then(Frame::data_ref) {
            this.notes.add_bytes_in(bytes.len() as u64);
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
    pub(crate) struct AccountedBody<B> {
        #[pin]
        inner: B,
        record: Option<CallRecord>,
    }
}

impl<B: Body<Data = Bytes>> Body for AccountedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx)?);
        if let (Some(record), Some(frame)) = (this.record.as_mut(), &frame) {
            if let Some(bytes) = frame.data_ref() {
                record.bytes_out += bytes.len() as u64;
            }
            if let Some(trailers) = frame.trailers_ref() {
                record.note_status(trailers);
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
