//! A request body that can be sent more than once, as long as what was sent of it is no more than may be kept.
//!
//! What is kept is what was read anyway, not a copy. A body goes to one attempt at a time: a later one takes over where the request itself
//! is concerned, and begins with what was kept.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tower::BoxError;

/// What all attempts share.
struct Shared<B> {
    body: Pin<Box<B>>,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    keep_at_most: usize,
    /// More was sent than is kept, or nobody will want it again.
    keeps_no_more: bool,
    ended: bool,
    failed: bool,
    latest_attempt: u32,
}

/// The request, apart from the attempts.
pub(crate) struct KeptRequest<B> {
    shared: Arc<Mutex<Shared<B>>>,
}

impl<B> KeptRequest<B> {
    pub(crate) fn new(body: B, keep_at_most: usize) -> Self {
        let shared = Shared {
            body: Box::pin(body),
            kept: Vec::new(),
            kept_bytes: 0,
            keep_at_most,
            keeps_no_more: false,
            ended: false,
            failed: false,
            latest_attempt: 0,
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// The body for one more attempt, from its beginning.
    pub(crate) fn once_more(&self) -> AttemptBody<B> {
        let mut shared = self.shared.lock();
        shared.latest_attempt += 1;
        AttemptBody { shared: Arc::clone(&self.shared), attempt: shared.latest_attempt, taken: 0 }
    }

    /// Whether all that was sent is kept. A request that failed would only fail again.
    pub(crate) fn can_be_sent_again(&self) -> bool {
        let shared = self.shared.lock();
        !shared.keeps_no_more && !shared.failed
    }

    /// The present attempt is the last one. What it has not taken yet stays until it does.
    pub(crate) fn keep_no_more(&self) {
        self.shared.lock().keeps_no_more = true;
    }
}

/// The request body as one attempt sends it.
pub(crate) struct AttemptBody<B> {
    shared: Arc<Mutex<Shared<B>>>,
    attempt: u32,
    /// How many of the kept chunks were taken.
    taken: usize,
}

/// Another attempt sends the request now.
#[derive(Debug, thiserror::Error)]
#[error("the request is sent by a later attempt")]
struct TakenOver;

impl<B> Body for AttemptBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let mut shared = this.shared.lock();
        if this.attempt != shared.latest_attempt {
            return Poll::Ready(Some(Err(TakenOver.into())));
        }
        if let Some(chunk) = shared.kept.get(this.taken) {
            this.taken += 1;
            return Poll::Ready(Some(Ok(Frame::data(chunk.clone()))));
        }
        if shared.keeps_no_more {
            shared.kept = Vec::new();
            this.taken = 0;
        }
        if shared.ended {
            return Poll::Ready(None);
        }
        let frame = match ready!(shared.body.as_mut().poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                shared.failed = true;
                return Poll::Ready(Some(Err(error.into())));
            }
            None => {
                shared.ended = true;
                return Poll::Ready(None);
            }
        };
        shared.ended = shared.body.is_end_stream();
        if let Some(chunk) = frame.data_ref().filter(|_| !shared.keeps_no_more) {
            shared.kept_bytes += chunk.len();
            if shared.kept_bytes > shared.keep_at_most {
                shared.keeps_no_more = true;
                shared.kept = Vec::new();
                this.taken = 0;
            } else {
                shared.kept.push(chunk.clone());
                this.taken += 1;
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        let shared = self.shared.lock();
        self.taken == shared.kept.len() && (shared.ended || shared.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let shared = self.shared.lock();
        if shared.kept.is_empty() { shared.body.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests;
