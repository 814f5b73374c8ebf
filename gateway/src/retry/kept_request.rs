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
    read: Read,
    kept: Vec<Bytes>,
    keeping: Keeping,
    latest_attempt: u32,
}

/// How much of the request was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Some,
    All,
    /// It failed on the way.
    Failed,
}

/// Whether what is read is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    /// So many more bytes.
    UpTo(usize),
    /// It was too much, or nobody will want it again.
    NoMore,
}

impl<B> Shared<B> {
    /// Keeps a chunk if it may be kept, and forgets all of them if it may not.
    fn keep(&mut self, chunk: &Bytes) {
        let Keeping::UpTo(left) = self.keeping else { return };
        match left.checked_sub(chunk.len()) {
            Some(left) => {
                self.keeping = Keeping::UpTo(left);
                self.kept.push(chunk.clone());
            }
            None => {
                self.keeping = Keeping::NoMore;
                self.kept = Vec::new();
            }
        }
    }
}

/// The request, apart from the attempts.
pub(crate) struct KeptRequest<B> {
    shared: Arc<Mutex<Shared<B>>>,
}

impl<B> KeptRequest<B> {
    pub(crate) fn new(body: B, keep_at_most: usize) -> Self {
        let keeping = Keeping::UpTo(keep_at_most);
        let shared = Shared { body: Box::pin(body), read: Read::Some, kept: Vec::new(), keeping, latest_attempt: 0 };
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
        shared.keeping != Keeping::NoMore && shared.read != Read::Failed
    }

    /// The present attempt is the last one. What it has not taken yet stays until it does.
    pub(crate) fn keep_no_more(&self) {
        self.shared.lock().keeping = Keeping::NoMore;
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
        if shared.keeping == Keeping::NoMore {
            shared.kept = Vec::new();
            this.taken = 0;
        }
        if shared.read == Read::All {
            return Poll::Ready(None);
        }
        let frame = match ready!(shared.body.as_mut().poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                shared.read = Read::Failed;
                return Poll::Ready(Some(Err(error.into())));
            }
            None => {
                shared.read = Read::All;
                return Poll::Ready(None);
            }
        };
        if shared.body.is_end_stream() {
            shared.read = Read::All;
        }
        if let Some(chunk) = frame.data_ref() {
            shared.keep(chunk);
            this.taken = shared.kept.len();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        let shared = self.shared.lock();
        self.taken == shared.kept.len() && (shared.read == Read::All || shared.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let shared = self.shared.lock();
        if shared.kept.is_empty() { shared.body.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests;
