//! Requests that are answered before all of them was read: a message was too long, a token was missing, or an upstream had heard enough.
//!
//! Over HTTP/1.1 what is still to come of such a request stands between its answer and the next request of the connection. If nobody read it,
//! the connection would have to be closed, although the head of the answer has said that it stays open; a client that has just used it
//! again would see its next request fail. A client that is still writing would even lose the answer, because the system tells of a reset as
//! soon as something arrives for a socket that is closed. So the rest is read and thrown away, within limits.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Buf;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long a client may go on writing after it was answered.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of that is read before it is given up, and the connection with it.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A request body of which the rest is read away when it is dropped before its end; see the module.
pub(crate) struct ReadToEnd<B>
where
    B: Body<Data: Send, Error: Send> + Unpin + Send + 'static,
{
    // Nothing after its end.
    inner: Option<B>,
}

impl<B> ReadToEnd<B>
where
    B: Body<Data: Send, Error: Send> + Unpin + Send + 'static,
{
    pub(crate) fn new(inner: B) -> Self {
        Self { inner: Some(inner) }
    }
}

impl<B> Drop for ReadToEnd<B>
where
    B: Body<Data: Send, Error: Send> + Unpin + Send + 'static,
{
    fn drop(&mut self) {
        let Some(rest) = self.inner.take().filter(|body| !body.is_end_stream()) else { return };
        // Without a runtime there is no connection any more either.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(PATIENCE, read_away(rest)));
        }
    }
}

/// Reads and forgets, until the end or until it is too much.
async fn read_away<B: Body + Unpin>(mut rest: B) {
    let mut bytes_left = MOST_BYTES;
    while let Some(Ok(frame)) = rest.frame().await {
        let read = frame.data_ref().map_or(0, Buf::remaining);
        let Some(left) = bytes_left.checked_sub(read) else { return };
        bytes_left = left;
    }
}

impl<B> Body for ReadToEnd<B>
where
    B: Body<Data: Send, Error: Send> + Unpin + Send + 'static,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let next = Pin::new(inner).poll_frame(cx);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.inner = None;
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures::stream;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::*;

    /// A body without an end that tells of every chunk that is taken from it, and by the end of the channel that it was given up.
    fn endless(
        chunk: usize,
    ) -> (impl Body<Data = Bytes, Error = Infallible> + Unpin + Send, mpsc::UnboundedReceiver<usize>) {
        let (taken, told) = mpsc::unbounded_channel();
        let chunks = stream::repeat_with(move || {
            let _nobody_counts = taken.send(chunk);
            Ok(Frame::data(Bytes::from(vec![0; chunk])))
        });
        (StreamBody::new(chunks), told)
    }

    #[tokio::test]
    async fn what_nobody_reads_is_read_away_but_not_for_ever() {
        let (body, mut taken) = endless(1024 * 1024);
        drop(ReadToEnd::new(body));
        let mut bytes = 0;
        while let Some(chunk) = taken.recv().await {
            bytes += chunk;
        }
        assert_eq!(bytes, MOST_BYTES + 1024 * 1024, "one chunk too many");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stands_still_is_not_waited_for_long() {
        let (held, mut given_up) = mpsc::channel::<Infallible>(1);
        let silent = StreamBody::new(stream::unfold(held, |held| async move {
            std::future::pending::<()>().await;
            Some((Ok::<_, Infallible>(Frame::data(Bytes::new())), held))
        }));
        let began = Instant::now();
        drop(ReadToEnd::new(Box::pin(silent)));
        assert!(given_up.recv().await.is_none());
        assert_eq!(began.elapsed(), PATIENCE);
    }

    #[tokio::test]
    async fn a_body_that_was_read_is_left_alone() {
        let frames = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"read")))]);
        let read = ReadToEnd::new(StreamBody::new(frames)).collect().await.unwrap();
        assert_eq!(read.to_bytes(), "read");
    }
}
