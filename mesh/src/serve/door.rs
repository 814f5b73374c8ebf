//! The socket of a process: HTTP/2 over mutual TLS, bounded, and closed in an orderly way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::Peer;
use bojagi_chassis::channel::Entrance;
use bojagi_gateway::{BindError, Readiness};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tower::Service;

use super::closing::{Closing, Stage};
use crate::identity::Identity;
use crate::settings::ConnectionLimits;

/// Upon a failure to accept, mostly for want of file descriptors, others need a moment to give some back.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);
/// How long connections may take to write what ended their calls.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A socket that listens; connections wait until it is served.
pub(super) struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

/// What all connections share.
struct Inside {
    entrance: Entrance,
    identity: Arc<Identity>,
    limits: ConnectionLimits,
    http: http2::Builder<TokioExecutor>,
    closing: Closing,
}

impl Door {
    pub(super) async fn open(address: SocketAddr) -> Result<Self, BindError> {
        let opened = async {
            let listener = TcpListener::bind(address).await?;
            Ok(Self { address: listener.local_addr()?, listener })
        };
        opened.await.map_err(|error| BindError::new(address, error))
    }

    pub(super) const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until somebody asks for the end, then drains: readiness off, no connection is accepted any more, clients are asked
    /// to go (GOAWAY), streams end, calls may finish within `grace`, and what still runs then ends with UNAVAILABLE.
    pub(super) async fn serve(
        self,
        entrance: Entrance,
        identity: Arc<Identity>,
        limits: ConnectionLimits,
        readiness: Readiness,
        closing: Closing,
        grace: Duration,
    ) {
        // If this future is dropped, connections are too.
        let _cut_all = closing.drop_guard();
        let http = http_builder(&limits);
        let inside = Arc::new(Inside { entrance, identity, limits, http, closing: closing.clone() });
        let connections = TaskTracker::new();
        inside.accept_until_asked(&self.listener, &connections).await;
        drop(self.listener);

        tracing::info!(connections = connections.len(), "the process drains");
        readiness.leave();
        closing.reach(Stage::Draining);
        connections.close();
        if timeout(grace, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "the grace is over; calls that still run are ended");
            closing.reach(Stage::Over);
            // What takes longer is cut.
            let _ = timeout(LAST_WORDS, connections.wait()).await;
        }
        closing.reach(Stage::Closed);
        connections.wait().await;
    }
}

impl Inside {
    async fn accept_until_asked(self: &Arc<Self>, listener: &TcpListener, connections: &TaskTracker) {
        let mut asked = pin!(self.closing.reached(Stage::Asked));
        loop {
            let accepted = tokio::select! {
                () = asked.as_mut() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(_) if connections.len() >= self.limits.max => {
                    tracing::warn!(max = self.limits.max, "a connection was closed: there are too many");
                }
                Ok((stream, _)) => drop(connections.spawn(Arc::clone(self).meet(stream))),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
                }
            }
        }
    }

    /// Lets a client in that shows a certificate of the mesh.
    async fn meet(self: Arc<Self>, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let within = Duration::from_millis(self.limits.handshake_ms);
        let shaking_hands = timeout(within, async {
            if speaks(&stream).await { Some(self.identity.acceptor().accept(stream).await) } else { None }
        });
        let met = tokio::select! {
            () = self.closing.reached(Stage::Draining) => return,
            met = shaking_hands => met,
        };
        match met {
            Ok(Some(Ok(stream))) => self.serve(stream).await,
            // Whoever only asks whether somebody listens, such as a probe of TCP, does so every few seconds.
            Ok(None) => tracing::debug!("a client left without a word"),
            Ok(Some(Err(error))) => tracing::warn!(%error, "a client was not let in"),
            Err(_) => tracing::warn!("a client was not let in: its TLS handshake took too long"),
        }
    }

    async fn serve(&self, stream: TlsStream<TcpStream>) {
        let peer = self.identity.peer_of(stream.get_ref().1.peer_certificates());
        let calls = service_fn(|request| self.call(request, peer));
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), calls));
        let mut draining = pin!(self.closing.reached(Stage::Draining));
        let mut closed = pin!(self.closing.reached(Stage::Closed));
        let mut asked_to_go = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended with an error");
                    }
                    return;
                }
                () = draining.as_mut(), if !asked_to_go => {
                    asked_to_go = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = closed.as_mut() => return,
            }
        }
    }

    fn call(
        &self,
        request: http::Request<Incoming>,
        peer: Option<Peer>,
    ) -> impl Future<Output = Result<http::Response<Body>, Infallible>> + Send + use<> {
        let mut request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let (path, closing) = (request.uri().path().to_owned(), self.closing.clone());
        let answer = self.entrance.clone().call(request);
        async move {
            let answered = async { answer.await.unwrap_or_else(|never| match never {}) };
            Ok(closing.answer(&path, answered).await)
        }
    }
}

/// Waits until a client says something; false if it leaves before that.
async fn speaks(stream: &TcpStream) -> bool {
    matches!(stream.peek(&mut [0]).await, Ok(1..))
}

fn http_builder(limits: &ConnectionLimits) -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(limits.header_list_bytes)
        .keep_alive_interval(Duration::from_millis(limits.keep_alive_interval_ms))
        .keep_alive_timeout(Duration::from_millis(limits.keep_alive_timeout_ms));
    http
}
