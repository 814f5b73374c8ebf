//! The span of an attempt: it is the parent of what the upstream does for it, and shows how the time of a call was spent.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bojagi_telemetry::SpanKind;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame, SizeHint};
use tonic::{Code, Status};
use tracing::{Instrument, Span};

use super::held_answer::Held;
use crate::methods::Method;
use crate::trace;

/// The spans of one attempt: for the log, and for a collector.
pub(crate) struct AttemptSpan {
    logged: Span,
    told: Told,
}

impl AttemptSpan {
    /// Gives the attempt a span of its own in the trace of the call, and tells the upstream.
    pub(crate) fn begin<B>(request: &mut Request<B>, method: &Arc<Method>, previous_attempts: u32) -> Self {
        let mut span = trace::step_into(request, SpanKind::Client);
        let context = span.context();
        let logged = tracing::debug_span!(
            "attempt",
            otel.kind = "client",
            method = request.uri().path(),
            traceparent = %context,
            previous_attempts,
        );
        span.describe(|details| details.set("bojagi.previous_attempts", i64::from(previous_attempts)));
        Self { logged, told: Told { span, method: Arc::clone(method), code: Code::Cancelled } }
    }

    /// The attempt is part of the span until its answer is over.
    pub(crate) async fn watch(self, attempt: impl Future<Output = Held>) -> Held {
        let Self { logged, mut told } = self;
        if logged.is_disabled() && !told.span.is_recorded() {
            return attempt.await;
        }
        match attempt.instrument(logged.clone()).await {
            Held::Answered(Ok(answer)) => {
                told.note_status(answer.headers());
                Held::Answered(Ok(answer.map(|inner| tonic::body::Body::new(SpannedBody { inner, logged, told }))))
            }
            other => {
                told.code = Code::Unavailable;
                other
            }
        }
    }
}

/// The span for a collector, with the status that the attempt has come to so far.
struct Told {
    span: bojagi_telemetry::Span,
    method: Arc<Method>,
    code: Code,
}

impl Told {
    /// Takes the status from headers or trailers, if they hold one.
    fn note_status(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get(Status::GRPC_STATUS) {
            self.code = Code::from_bytes(status.as_bytes());
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // The names of the counters, and not the path: what a caller asks for can be anything where methods are not listed.
        self.span.describe_call(|| self.method.metrics.path(), self.code);
    }
}

/// A body that belongs to a span.
struct SpannedBody {
    inner: tonic::body::Body,
    logged: Span,
    told: Told,
}

impl Body for SpannedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let _entered = this.logged.enter();
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            this.told.note_status(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
