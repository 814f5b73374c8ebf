//! The gateway on a socket: accepts connections, serves HTTP/1.1 and HTTP/2 on one port, and closes in an orderly way.

mod activity;
mod client_socket;
mod connection;
mod places;
mod presence;
mod running;
mod unread;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

pub(crate) use self::connection::Connections;
use self::places::Places;
pub use self::running::RunningGateway;
use crate::gateway::Gateway;

/// Upon a failure to accept, mostly for want of file descriptors, others need a moment to give some back.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    address: SocketAddr,
    source: std::io::Error,
}

impl BindError {
    /// Why it cannot.
    #[must_use]
    pub fn new(address: SocketAddr, source: std::io::Error) -> Self {
        Self { address, source }
    }
}

/// A gateway with a socket; connections wait until it is served.
#[derive(Debug)]
pub struct BoundGateway {
    running: RunningGateway,
    listener: TcpListener,
    local_addr: SocketAddr,
}

/// A socket that listens, and its address.
pub(crate) struct Listening {
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl Listening {
    /// Opens a socket. With port 0 the system chooses one.
    pub(crate) async fn at(address: SocketAddr) -> Result<Self, BindError> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let local_addr = listener.local_addr()?;
            Ok(Self { listener, local_addr })
        };
        bound.await.map_err(|source| BindError::new(address, source))
    }
}

impl Gateway {
    /// Opens the socket. With port 0 the system chooses one; see [`BoundGateway::local_addr`].
    ///
    /// # Errors
    /// When the address is taken, not of this machine, or not allowed.
    pub async fn bind(&self, address: SocketAddr) -> Result<BoundGateway, BindError> {
        Ok(BoundGateway::on(Listening::at(address).await?, self.clone()))
    }
}

impl BoundGateway {
    pub(crate) fn on(socket: Listening, gateway: Gateway) -> Self {
        let Listening { listener, local_addr } = socket;
        Self { running: RunningGateway::new(gateway), listener, local_addr }
    }

    /// The address that the gateway listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The handle by which another gateway can be put in the place of this one while it serves.
    #[must_use]
    pub fn running(&self) -> RunningGateway {
        self.running.clone()
    }

    /// Serves until `shutdown` is over, then drains: health checks are told NOT_SERVING, no connection is accepted any more, clients are
    /// asked to go (GOAWAY), what runs may finish within the grace, what still runs then ends with UNAVAILABLE, and the connections close.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { running, listener, .. } = self;
        // If this future is dropped, connections are too.
        let _close_all = running.gateway().drain.closed.clone().drop_guard();
        let tasks = TaskTracker::new();

        accept_until(shutdown, &running, &listener, &tasks).await;
        drop(listener);
        drain(&running.gateway(), &tasks).await;
    }
}

async fn accept_until(
    shutdown: impl Future<Output = ()>,
    running: &RunningGateway,
    listener: &TcpListener,
    tasks: &TaskTracker,
) {
    let mut shutdown = pin!(shutdown);
    let asked = running.gateway().drain.asked;
    let places = Places::default();
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => return,
            () = asked.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
                continue;
            }
        };
        let gateway = running.gateway();
        let Some(place) = places.take(&gateway, peer.ip(), tasks.len()) else { continue };
        send_without_delay(&stream);
        if let Err(error) = presence::ask_when_silent(&stream, &gateway.config.connections) {
            tracing::debug!(%error, "TCP does not ask whether a client is still there");
        }
        let connection = Arc::clone(&gateway.connections).serve(stream, peer.ip(), running.clone());
        tasks.spawn(async move {
            connection.await;
            drop(place);
        });
    }
}

/// Small messages must not wait for an acknowledgement of the previous ones.
fn send_without_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
}

async fn drain(gateway: &Gateway, tasks: &TaskTracker) {
    let grace = Duration::from_millis(gateway.config.drain.grace_ms);
    let close = Duration::from_millis(gateway.config.drain.close_ms);
    tracing::info!(connections = tasks.len(), grace_ms = gateway.config.drain.grace_ms, "the gateway drains");
    gateway.readiness().leave();
    gateway.drain.begun.cancel();
    tasks.close();

    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!(connections = tasks.len(), "the grace is over; calls that still run are ended");
        gateway.drain.grace_over.cancel();
        if tokio::time::timeout(close, tasks.wait()).await.is_err() {
            tracing::warn!(connections = tasks.len(), "connections that take nothing any more are cut");
        }
    }
    gateway.drain.closed.cancel();
    tasks.wait().await;
}
