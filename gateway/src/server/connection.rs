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
use tokio::net::TcpStream;
use tokio::time::{Instant, interval_at};
use tower::Service;

use super::activity::{Activity, WhileRunning};
use super::client_socket::ClientSocket;
use super::unread::Unread;
use crate::clean_headers::Peer;
use crate::config::ConnectionConfig;
use crate::drain::DrainSignal;
use crate::gateway::{Gateway, GatewayBody, GatewayFuture, GatewayService};

/// What all connections of a gateway share.
pub(crate) struct Connections {
    http: Arc<auto::Builder<TokioExecutor>>,
    service: GatewayService,
    drain: DrainSignal,
    first_head: Duration,
    idle: Duration,
    stalled: Duration,
}

impl Connections {
    pub(crate) fn new(gateway: &Gateway) -> Self {
        let config = &gateway.config.connections;
        Self {
            http: Arc::new(http_builder(config)),
            service: gateway.service(),
            drain: gateway.drain.clone(),
            first_head: Duration::from_millis(config.header_ms),
            idle: Duration::from_millis(config.idle_ms),
            stalled: Duration::from_millis(config.stalled_ms),
        }
    }

    /// Serves a connection to its end.
    pub(crate) fn serve(&self, stream: TcpStream, peer: IpAddr) -> impl Future<Output = ()> + Send + use<> {
        let http = Arc::clone(&self.http);
        let drain = self.drain.clone();
        // A client that says nothing at all is not waited for as long as one that has paused.
        let (first_check, idle) = (Instant::now() + self.first_head, self.idle);
        let activity = Arc::new(Activity::default());
        let unread = Unread::default();
        let socket = ClientSocket::new(stream, self.stalled, unread.clone());
        let service = ConnectionService {
            service: self.service.clone(),
            peer: Peer::new(peer),
            activity: Arc::clone(&activity),
            unread,
        };
        async move {
            let mut connection = pin!(http.serve_connection(TokioIo::new(socket), service));
            let mut drain_begun = pin!(drain.begun.cancelled());
            let mut closed = pin!(drain.closed.cancelled());
            let mut idle_check = interval_at(first_check, idle);
            let mut asked_to_go = false;
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
                        if !activity.is_idle_since(&mut begun) {
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
    service: GatewayService,
    peer: Option<Peer>,
    activity: Arc<Activity>,
    unread: Unread,
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<WhileRunning<GatewayBody>>;
    type Error = Infallible;
    type Future = WhileRunning<GatewayFuture>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(peer.clone());
        }
        // The gateway is always ready, so its clone can be called at once.
        let answer = if request.version() < Version::HTTP_2 {
            self.service.clone().call(request.map(|body| self.unread.watch(body)))
        } else {
            self.service.clone().call(request)
        };
        WhileRunning::new(answer, self.activity.begin())
    }
}
