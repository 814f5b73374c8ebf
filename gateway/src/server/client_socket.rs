//! The socket of a client, without patience for the ones that never read.
//!
//! A client that takes nothing of what is written to it holds its connection, and what it has asked for, no longer than a given time. HTTP/2 has
//! pings for that, HTTP/1.1 has nothing.
//!
//! Place: directly on the socket, below TLS, so that both see bytes and no meaning.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

pin_project! {
    /// A socket whose writes fail when they have waited for too long; see the module.
    pub(crate) struct ClientSocket<S> {
        #[pin]
        inner: S,
        patience: Duration,
        // Runs while the client takes nothing.
        stalled: Option<Pin<Box<Sleep>>>,
    }
}

impl<S> ClientSocket<S> {
    /// `patience` is how long the client may take nothing of what is written to it.
    pub(crate) fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, stalled: None }
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
        let this = self.project();
        unless_stalled(this.inner.poll_shutdown(cx), this.stalled, *this.patience, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, socket) = duplex(16);
        let mut socket = ClientSocket::new(socket, PATIENCE);
        let began = Instant::now();
        let error = socket.write_all(&[0; 17]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_something_now_and_then_is_not() {
        let (mut client, socket) = duplex(1);
        let mut socket = ClientSocket::new(socket, PATIENCE);
        let written = tokio::spawn(async move { socket.write_all(b"slow but alive").await });
        for _ in 0..b"slow but alive".len() {
            tokio::time::sleep(PATIENCE - Duration::from_millis(1)).await;
            client.read_u8().await.unwrap();
        }
        written.await.unwrap().unwrap();
    }
}
