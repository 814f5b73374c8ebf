//! The body of an answer, which has to end in time.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

use super::too_late;

/// Ends with DEADLINE_EXCEEDED when the whole answer has not come by then.
pub(super) struct AnswerBody {
    inner: Body,
    ends: Pin<Box<Sleep>>,
}

impl AnswerBody {
    pub(super) fn new(inner: Body, ends: Instant) -> Self {
        Self { inner, ends: Box::pin(sleep_until(ends)) }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        self.ends.as_mut().poll(cx).map(|()| Some(Err(too_late())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
