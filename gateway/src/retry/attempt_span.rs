//! The span of an attempt: it is the parent of what the upstream does for it, and shows how the time of a call was spent.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tonic::Status;
use tracing::{Instrument, Span};

use super::held_answer::Held;
use crate::trace;

/// The span of one attempt.
pub(crate) struct AttemptSpan {
    span: Span,
}

impl AttemptSpan {
    /// Gives the attempt a span of its own in the trace of the call, and tells the upstream.
    pub(crate) fn begin<B>(request: &mut Request<B>, previous_attempts: u32) -> Self {
        let context = trace::step_into(request.headers_mut());
        let span = tracing::debug_span!(
            "attempt",
            otel.kind = "client",
            method = request.uri().path(),
            traceparent = %context,
            previous_attempts,
        );
        Self { span }
    }

    /// The attempt is part of the span until its answer is over.
    pub(crate) async fn watch(self, attempt: impl Future<Output = Held>) -> Held {
        if self.span.is_disabled() {
            return attempt.await;
        }
        let span = self.span.clone();
        match attempt.instrument(self.span).await {
            Held::Answered(Ok(answer)) => Held::Answered(Ok(spanned(answer, span))),
            other => other,
        }
    }
}

fn spanned(answer: Response<tonic::body::Body>, span: Span) -> Response<tonic::body::Body> {
    answer.map(|inner| tonic::body::Body::new(SpannedBody { inner, span }))
}

/// A body that belongs to a span.
struct SpannedBody {
    inner: tonic::body::Body,
    span: Span,
}

impl Body for SpannedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let _entered = this.span.enter();
        Pin::new(&mut this.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
