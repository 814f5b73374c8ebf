//! How a cluster finds addresses and opens connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::target::Target;

/// A silent peer is asked by TCP after this time whether it is still there, so that one that vanished is noticed without HTTP/2 pings, which
/// gRPC servers punish unless they are rare.
const SILENCE: Duration = Duration::from_secs(30);
const BETWEEN_PROBES: Duration = Duration::from_secs(10);
/// How long bytes may stay unacknowledged before the connection counts as lost.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Finds the addresses of names.
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of `host`, with this port.
    ///
    /// # Errors
    /// When the name cannot be resolved now.
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// A connection as a stream of bytes.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// Opens connections on which HTTP/2 can begin at once; over TLS, that is after the handshake with ALPN `h2`.
pub trait Connector: Send + Sync + 'static {
    /// Opens a connection to one address of a target.
    ///
    /// # Errors
    /// When it cannot be opened. How long it may take is bounded by the caller.
    fn connect(&self, target: &Target, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>>;
}

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// TCP without TLS.
#[derive(Clone, Copy, Debug)]
pub struct TcpConnector;

impl Connector for TcpConnector {
    fn connect(&self, target: &Target, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>> {
        let is_tls = target.is_tls();
        Box::pin(async move {
            if is_tls {
                return Err(io::Error::other("the endpoint wants TLS, and this connector speaks none"));
            }
            Ok(Box::new(connect_tcp(address).await?) as Box<dyn ByteStream>)
        })
    }
}

/// A TCP connection that notices when its peer has vanished.
pub(crate) async fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE).with_interval(BETWEEN_PROBES))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(stream)
}
