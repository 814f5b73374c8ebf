//! One connection: HTTP/1.1, or HTTP/2 by prior knowledge, told apart by its first bytes.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval_at, timeout_at};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::activity::{Activity, Running};
use super::client_socket::ClientSocket;
use super::presence::AskedSocket;
use super::running::RunningGateway;
use super::unread::ReadToEnd;
use crate::clean_headers::Peer;
use crate::config::ConnectionConfig;
use crate::drain::DrainSignal;
use crate::gateway::{GatewayBody, GatewayFuture};
use crate::holding::Holding;

/// What all connections of a gateway share.
pub(crate) struct Connections {
    http: auto::Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
    drain: DrainSignal,
    first_head: Duration,
    idle: Duration,
    stalled: Duration,
}

impl Connections {
    /// With `tls`, every connection has to speak it.
    pub(crate) fn new(config: &ConnectionConfig, tls: Option<TlsAcceptor>, drain: DrainSignal) -> Self {
        Self {
            http: http_builder(config),
            tls,
            drain,
            first_head: Duration::from_millis(config.header_ms),
            idle: Duration::from_millis(config.idle_ms),
            stalled: Duration::from_millis(config.stalled_ms),
        }
    }

    /// Serves a connection to its end. Each of its calls goes to the gateway that runs when the call comes.
    pub(crate) async fn serve(self: Arc<Self>, stream: TcpStream, peer: IpAddr, running: RunningGateway) {
        let first_head_until = Instant::now() + self.first_head;
        let stream = AskedSocket::new(stream);
        let socket = ClientSocket::new(stream.clone(), self.stalled);
        let peer = Peer::new(peer, self.tls.is_some());
        let service = ConnectionService { running, peer, activity: Arc::default() };
        let Some(tls) = &self.tls else { return self.serve_http(socket, service, &stream, first_head_until).await };

        let handshake = tokio::select! {
            handshake = timeout_at(first_head_until, tls.accept(socket)) => handshake,
            () = self.drain.begun.cancelled() => return,
        };
        match handshake {
            Ok(Ok(socket)) => self.serve_http(socket, service, &stream, first_head_until).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    /// `stream` is what is below `socket`.
    async fn serve_http<S>(
        &self,
        socket: S,
        service: ConnectionService,
        stream: &AskedSocket,
        first_head_until: Instant,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::clone(&service.activity);
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(socket), service));
        let mut drain_begun = pin!(self.drain.begun.cancelled());
        let mut closed = pin!(self.drain.closed.cancelled());
        // A client that says nothing at all is not waited for as long as one that has paused, unless idle_ms is the shorter: then the
        // look at which it is let go is the first after header_ms.
        let mut idle_check = interval_at(first_head_until.min(Instant::now() + self.idle), self.idle);
        let mut asked_to_go = false;
        let mut was_left = false;
        let mut begun = 0;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection ended with an error");
                    }
                    return;
                }
                () = drain_begun.as_mut(), if !asked_to_go => {
                    asked_to_go = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ = idle_check.tick() => {
                    // One that has hung up can still wait for its answer, but not for ever.
                    if std::mem::replace(&mut was_left, stream.is_left()) {
                        tracing::debug!("a client has hung up, and what runs for it is ended");
                        return;
                    }
                    let is_idle = activity.is_idle_since(&mut begun);
                    let awaits_first_head = begun == 0 && Instant::now() < first_head_until;
                    if !is_idle || awaits_first_head {
                        continue;
                    }
                    if asked_to_go {
                        tracing::debug!("an idle connection did not close when it was asked to; it is cut");
                        return;
                    }
                    asked_to_go = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = closed.as_mut() => return,
            }
        }
    }
}

fn http_builder(config: &ConnectionConfig) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.header_ms))
        .max_buf_size(config.header_list_bytes as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.max_concurrent_streams)
        .max_header_list_size(config.header_list_bytes)
        .keep_alive_interval(Duration::from_millis(config.keep_alive_interval_ms))
        .keep_alive_timeout(Duration::from_millis(config.keep_alive_timeout_ms));
    builder
}

/// The gateway as one connection sees it.
struct ConnectionService {
    running: RunningGateway,
    peer: Option<Peer>,
    activity: Arc<Activity>,
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<Holding<GatewayBody, Running>>;
    type Error = Infallible;
    type Future = Holding<GatewayFuture, Running>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(peer.clone());
        }
        // The gateway is always ready, so its clone can be called at once.
        let mut service = self.running.service();
        let answer = if request.version() < Version::HTTP_2 {
            service.call(request.map(ReadToEnd::new))
        } else {
            service.call(request)
        };
        Holding::new(answer, self.activity.begin())
    }
}
