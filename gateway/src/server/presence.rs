//! Whether the client at the other end of a socket is still there.
//!
//! Over HTTP/2 pings tell; over HTTP/1.1 nothing does. A client that vanishes without a word is found by TCP, which asks a silent one whether
//! it is still there. One that hangs up is seen by whoever reads on, and HTTP/1.1 reads on while a call runs only if nothing has come that
//! belongs behind its request. So a socket can also be asked.
//!
//! Place: directly on the socket, below everything that reads and writes it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::config::ConnectionConfig;

/// So often TCP asks within the time that a client has to answer, because a single question may get lost.
const QUESTIONS: u32 = 4;
/// TCP counts in whole seconds, and takes no more of them than this.
const SECONDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(32_767));
/// The milliseconds for this have to fit into 31 bits.
#[cfg(target_os = "linux")]
const LONGEST_UNACKNOWLEDGED: Duration = Duration::from_millis(i32::MAX as u64);

/// Has the system end the connection, with an error, when the client does not answer any more.
pub(super) fn ask_when_silent(stream: &TcpStream, config: &ConnectionConfig) -> io::Result<()> {
    let silence = Duration::from_millis(config.keep_alive_interval_ms);
    let to_answer = Duration::from_millis(config.keep_alive_timeout_ms);
    let within = |time: Duration| time.clamp(SECONDS.0, SECONDS.1);
    let asking = TcpKeepalive::new()
        .with_time(within(silence))
        .with_interval(within(to_answer / QUESTIONS))
        .with_retries(QUESTIONS);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&asking)?;
    // It also holds for bytes that a client has no room for, and those may wait for as long as a client may be stalled.
    #[cfg(target_os = "linux")]
    {
        let given_up = Duration::from_millis(config.stalled_ms).max(silence + to_answer);
        socket.set_tcp_user_timeout(Some(given_up.min(LONGEST_UNACKNOWLEDGED)))?;
    }
    Ok(())
}

/// A socket that one hand reads and writes while another asks about its client. They belong to the same task, so neither waits for the other.
#[derive(Clone)]
pub(super) struct AskedSocket {
    stream: Arc<Mutex<TcpStream>>,
}

impl AskedSocket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Arc::new(Mutex::new(stream)) }
    }

    /// Whether nothing more can come from the client than what has come already: it has hung up, or the connection has failed.
    pub(super) fn is_left(&self) -> bool {
        let stream = self.stream.lock();
        let ready = stream.ready(Interest::READABLE).now_or_never();
        ready.is_some_and(|ready| ready.map_or(true, |ready| ready.is_read_closed()))
    }
}

impl AsyncRead for AskedSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream.lock()).poll_read(cx, buffer)
    }
}

impl AsyncWrite for AskedSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream.lock()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream.lock()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.lock().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream.lock()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream.lock()).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::GatewayConfig;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_silent_client_is_asked_as_often_as_the_configuration_says() {
        let (_client, stream) = pair().await;
        let mut config = GatewayConfig::default().connections;
        let asked = |config: &ConnectionConfig| {
            ask_when_silent(&stream, config).unwrap();
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap());
            (socket.tcp_keepalive_time().unwrap().as_secs(), socket.tcp_keepalive_interval().unwrap().as_secs())
        };
        assert_eq!(asked(&config), (30, 5));
        (config.keep_alive_interval_ms, config.keep_alive_timeout_ms) = (1, 1);
        assert_eq!(asked(&config), (1, 1), "the least that TCP can do");
        (config.keep_alive_interval_ms, config.keep_alive_timeout_ms) = (u64::MAX, u64::MAX);
        assert_eq!(asked(&config), (32_767, 32_767), "the most");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn no_client_is_given_up_sooner_than_a_stalled_one() {
        let (_client, stream) = pair().await;
        let mut config = GatewayConfig::default().connections;
        let mut given_up = |stalled_ms| {
            config.stalled_ms = stalled_ms;
            ask_when_silent(&stream, &config).unwrap();
            SockRef::from(&stream).tcp_user_timeout().unwrap().unwrap().as_secs()
        };
        assert_eq!([given_up(60_000), given_up(600_000), given_up(1)], [60, 600, 50]);
    }

    #[tokio::test]
    async fn a_client_has_left_when_it_has_hung_up_whether_or_not_somebody_reads() {
        for unread in [&b""[..], b"what it has sent before"] {
            let (mut client, stream) = pair().await;
            client.write_all(unread).await.unwrap();
            stream.writable().await.unwrap();
            let asked = AskedSocket::new(stream);
            assert!(!asked.is_left());
            client.shutdown().await.unwrap();
            while !asked.is_left() {
                tokio::task::yield_now().await;
            }
            let mut read = Vec::new();
            asked.clone().read_to_end(&mut read).await.unwrap();
            assert_eq!(read, unread, "asking takes nothing away");
        }
    }
}
