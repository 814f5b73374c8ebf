//! The socket of a client, with patience for the ones that write while they should read, and without it for the ones that never read.
//!
//! * An answer over HTTP/1.1 may be complete before its request is: a message was too long, or a token was missing. If the socket were closed
//!   with bytes of the request unread, the system would tell the client of a reset, which overtakes the answer. So what still comes of such a
//!   request is read and thrown away for a while.
//! * A client that takes nothing of what is written to it holds its connection, and what it has asked for, no longer than a given time. HTTP/2
//!   has pings for that, HTTP/1.1 has nothing.
//!
//! Place: directly on the socket, below TLS, so that both see bytes and no meaning.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::unread::Unread;

/// How long a client may go on writing after everything was said to it.
const LINGER: Duration = Duration::from_secs(5);
/// How much of that is read before it is given up.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

pin_project! {
    /// A socket that is closed with care; see the module.
    pub(crate) struct ClientSocket<S> {
        #[pin]
        inner: S,
        unread: Unread,
        patience: Duration,
        // Runs while the client takes nothing.
        stalled: Option<Pin<Box<Sleep>>>,
        closing: Closing,
    }
}

enum Closing {
    NotYet,
    Lingering { until: Pin<Box<Sleep>>, bytes_left: usize },
}

impl<S> ClientSocket<S> {
    /// `patience` is how long the client may take nothing of what is written to it; `unread` says whether something of its last request is
    /// still to come.
    pub(crate) fn new(inner: S, patience: Duration, unread: Unread) -> Self {
        Self { inner, unread, patience, stalled: None, closing: Closing::NotYet }
    }
}

/// Makes an error of a write that has been waiting for too long.
fn unless_stalled<T>(
    written: Poll<io::Result<T>>,
    stalled: &mut Option<Pin<Box<Sleep>>>,
    patience: Duration,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    if written.is_ready() {
        *stalled = None;
        return written;
    }
    ready!(stalled.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx));
    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of what is written to it")))
}

impl<S: AsyncRead> AsyncRead for ClientSocket<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for ClientSocket<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        unless_stalled(this.inner.poll_write(cx, bytes), this.stalled, *this.patience, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        unless_stalled(this.inner.poll_write_vectored(cx, slices), this.stalled, *this.patience, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        unless_stalled(this.inner.poll_flush(cx), this.stalled, *this.patience, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        loop {
            match this.closing {
                Closing::NotYet => {
                    let closed = this.inner.as_mut().poll_shutdown(cx);
                    ready!(unless_stalled(closed, this.stalled, *this.patience, cx))?;
                    if !this.unread.is_set() {
                        return Poll::Ready(Ok(()));
                    }
                    *this.closing = Closing::Lingering { until: Box::pin(sleep(LINGER)), bytes_left: LINGER_BYTES };
                }
                Closing::Lingering { until, bytes_left } => {
                    if until.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                    let read = ready!(read_away(this.inner.as_mut(), cx));
                    if read == 0 || *bytes_left < read {
                        return Poll::Ready(Ok(()));
                    }
                    *bytes_left -= read;
                }
            }
        }
    }
}

/// Reads something and forgets it; 0 at the end, be it an orderly one or not.
fn read_away<S: AsyncRead>(socket: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<usize> {
    let mut bytes = [0; 16 * 1024];
    let mut buffer = ReadBuf::new(&mut bytes);
    match ready!(socket.poll_read(cx, &mut buffer)) {
        Ok(()) => Poll::Ready(buffer.filled().len()),
        Err(_gone) => Poll::Ready(0),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn unread() -> Unread {
        let unread = Unread::default();
        unread.set();
        unread
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_the_answer_is_read_until_the_client_is_done() {
        let (mut client, socket) = duplex(16);
        let mut socket = ClientSocket::new(socket, PATIENCE, unread());
        let closed = tokio::spawn(async move {
            socket.write_all(b"answer").await.unwrap();
            socket.shutdown().await.unwrap();
        });
        client.write_all(&[0; 4096]).await.expect("somebody reads what nobody asked for");
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        assert!(!closed.is_finished(), "the client may still write");
        drop(client);
        closed.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_stops_is_not_listened_to_for_ever() {
        let began = Instant::now();
        let (_silent, socket) = duplex(16);
        ClientSocket::new(socket, PATIENCE, unread()).shutdown().await.unwrap();
        assert_eq!(began.elapsed(), LINGER);

        let endless = tokio::io::join(tokio::io::repeat(0), tokio::io::sink());
        let began = Instant::now();
        ClientSocket::new(endless, PATIENCE, unread()).shutdown().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO, "it was too much");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_request_that_was_read_there_is_nothing_to_wait_for() {
        let began = Instant::now();
        let (_client, socket) = duplex(16);
        ClientSocket::new(socket, PATIENCE, Unread::default()).shutdown().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, socket) = duplex(16);
        let mut socket = ClientSocket::new(socket, PATIENCE, unread());
        let began = Instant::now();
        let error = socket.write_all(&[0; 17]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_something_now_and_then_is_not() {
        let (mut client, socket) = duplex(1);
        let mut socket = ClientSocket::new(socket, PATIENCE, unread());
        let written = tokio::spawn(async move { socket.write_all(b"slow but alive").await });
        for _ in 0..b"slow but alive".len() {
            tokio::time::sleep(PATIENCE - Duration::from_millis(1)).await;
            client.read_u8().await.unwrap();
        }
        written.await.unwrap().unwrap();
    }
}
