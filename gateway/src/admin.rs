//! The door for operators: a listener of its own, on loopback unless configured otherwise, that speaks plain HTTP/1.1.
//!
//! It is for people with a terminal and for machines that watch, not for web pages: a page that a browser on the same machine shows could
//! otherwise drain the gateway, so what has the marks of a page is refused. Probes and metrics come from other machines, and nobody is asked
//! who they are; so what changes something is for callers from loopback alone, wherever the door listens.

mod answer;
mod config_view;
mod guard;
mod pages;
mod tokens;
mod upstreams;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bojagi_telemetry::metrics::Metrics;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::pages::Pages;
use self::tokens::TokenMetrics;
use self::upstreams::UpstreamMetrics;
use crate::cluster::ClusterStatus;
use crate::config_errors::ConfigMistake;
use crate::server::{BindError, RunningGateway};

/// Longer than an operator needs to type a request by hand.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Upon a failure to accept, mostly for want of file descriptors, others need a moment to give some back.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// The door for operators.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Where it listens, such as `127.0.0.1:9901`; empty for nowhere.
    pub listen: String,
}

impl AdminConfig {
    /// Every mistake.
    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        let problem = "must be an address and a port, such as 127.0.0.1:9901, or empty";
        let wrong = !self.listen.is_empty() && self.address().is_none();
        wrong.then(|| ConfigMistake::new("admin.listen", problem)).into_iter().collect()
    }

    /// Where to listen, if anywhere.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }
}

/// The port to the log of the process, whose filter can be changed while it runs.
pub trait LogFilter: Send + Sync + 'static {
    /// The filter as it is.
    ///
    /// # Errors
    /// A sentence about what went wrong.
    fn get(&self) -> Result<String, String>;

    /// Filters by this from now on.
    ///
    /// # Errors
    /// A sentence about what is wrong with it; then the old one stays.
    fn set(&self, filter: &str) -> Result<(), String>;
}

/// The port to what runs behind the door: a gateway, or another server that operators look at in the same way.
pub trait Operated: Send + Sync + 'static {
    /// Whether calls are welcome.
    fn is_ready(&self) -> bool;

    /// The servers that it calls, by a name for each kind of them.
    fn upstreams(&self) -> BTreeMap<String, ClusterStatus>;

    /// The configuration that is in force. The door masks the secrets in it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    fn config(&self) -> Result<Value, serde_json::Error>;

    /// Takes no more calls, lets those that run finish, and ends.
    fn begin_drain(&self);
}

impl Operated for RunningGateway {
    fn is_ready(&self) -> bool {
        self.gateway().readiness().is_serving()
    }

    fn upstreams(&self) -> BTreeMap<String, ClusterStatus> {
        self.gateway().clusters.iter().map(|(prefix, cluster)| (prefix.clone(), cluster.status())).collect()
    }

    fn config(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(&*self.gateway().config)
    }

    fn begin_drain(&self) {
        self.gateway().begin_drain();
    }
}

/// The admin port of a gateway, ready to listen.
pub struct Admin {
    pages: Arc<Pages>,
}

impl Admin {
    /// For a gateway that runs in this process. What the gateway and its upstreams count is shown among `metrics` from now on.
    #[must_use]
    pub fn new(running: RunningGateway, metrics: Metrics, log_filter: Arc<dyn LogFilter>) -> Self {
        running.gateway().metrics.register(&metrics);
        let tokens = TokenMetrics::new(running.clone());
        metrics.register(|registry| registry.register_collector(Box::new(tokens)));
        Self::of(Arc::new(running), metrics, log_filter)
    }

    /// For another server. What its upstreams count is shown among `metrics` from now on.
    #[must_use]
    pub fn of(operated: Arc<dyn Operated>, metrics: Metrics, log_filter: Arc<dyn LogFilter>) -> Self {
        let upstreams = UpstreamMetrics::new(Arc::clone(&operated));
        metrics.register(|registry| registry.register_collector(Box::new(upstreams)));
        Self { pages: Arc::new(Pages::new(operated, metrics, log_filter)) }
    }

    /// Opens the socket. With port 0 the system chooses one.
    ///
    /// # Errors
    /// When the address is taken, not of this machine, or not allowed.
    pub async fn bind(self, address: SocketAddr) -> Result<BoundAdmin, BindError> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let local_addr = listener.local_addr()?;
            Ok((listener, local_addr))
        };
        let (listener, local_addr) = bound.await.map_err(|source| BindError::new(address, source))?;
        if !local_addr.ip().is_loopback() {
            tracing::warn!(%local_addr, "the admin port is open to other machines, which may look, and asks nobody who they are");
        }
        Ok(BoundAdmin { pages: self.pages, listener, local_addr })
    }
}

/// An admin port with a socket.
pub struct BoundAdmin {
    pages: Arc<Pages>,
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl BoundAdmin {
    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` is over. It should outlast the gateway, so that operators can see it drain.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let (connections, close) = (TaskTracker::new(), CancellationToken::new());
        let _close_all = close.clone().drop_guard();
        let only_loopback = self.local_addr.ip().is_loopback();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let visit = Visit { only_loopback, may_change: guard::may_change(peer.ip()) };
                    let connection = serve_connection(stream, Arc::clone(&self.pages), visit);
                    connections.spawn(close.clone().run_until_cancelled_owned(connection));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection to the admin port could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
                }
            }
        }
        close.cancel();
        connections.close();
        connections.wait().await;
    }
}

/// What is known of a connection to the admin port before it asks for anything.
#[derive(Clone, Copy)]
struct Visit {
    /// The port cannot be reached by other names than those of loopback.
    only_loopback: bool,
    /// It comes from a place from which things may be changed.
    may_change: bool,
}

async fn serve_connection(stream: impl AsyncRead + AsyncWrite + Unpin, pages: Arc<Pages>, visit: Visit) {
    let service = service_fn(move |request| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(pages.answer(request, visit).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection to the admin port ended with an error");
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

impl fmt::Debug for BoundAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundAdmin").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
