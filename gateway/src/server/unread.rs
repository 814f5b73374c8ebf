//! Whether a request was answered before all of it was read, which the socket has to know when it closes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};

/// Set while something of the last request of an HTTP/1.1 connection may still be on its way. All clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unread {
    flag: Arc<AtomicBool>,
}

impl Unread {
    pub(crate) fn set(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// The body of the next request, which says so if it is dropped before its end.
    pub(crate) fn watch<B: Body>(&self, inner: B) -> WatchedRequest<B> {
        self.flag.store(false, Ordering::Relaxed);
        WatchedRequest { inner, ended: false, unread: self.clone() }
    }
}

/// A request body; see [`Unread::watch`].
pub(crate) struct WatchedRequest<B: Body> {
    inner: B,
    // A chunked body does not know before it is asked once more.
    ended: bool,
    unread: Unread,
}

impl<B: Body> Drop for WatchedRequest<B> {
    fn drop(&mut self) {
        if !self.ended && !self.inner.is_end_stream() {
            self.unread.set();
        }
    }
}

impl<B: Body + Unpin> Body for WatchedRequest<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let next = Pin::new(&mut self.inner).poll_frame(cx);
        self.ended |= matches!(next, Poll::Ready(None));
        next
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test]
    async fn only_a_body_that_was_not_read_counts() {
        let unread = Unread::default();
        drop(unread.watch(Full::new(Bytes::from_static(b"never read"))));
        assert!(unread.is_set());

        let body = unread.watch(Full::new(Bytes::from_static(b"read")));
        assert!(!unread.is_set(), "a new request begins");
        body.collect().await.unwrap();
        assert!(!unread.is_set());
    }
}
