//! The servers behind a route: which there are, which of them can be used, and which of those gets the next call.
//!
//! A cluster keeps an HTTP/2 connection to each endpoint and makes it anew when it is lost, with growing pauses. While an endpoint has as many
//! calls as it allows on one connection, there are more. A call goes to the less loaded of two endpoints drawn at random, among those that are connected, not NOT_SERVING (`grpc.health.v1`), and not ejected because they
//! failed too many calls. What counts is the true status, wherever it stands: in the headers or in the trailers.
//!
//! Nothing is sent to endpoints that are known to be bad, unless `panic_percent` says so; the [`ClusterStatus`] tells when that happens.

mod attempt;
mod balance;
mod config;
mod dispatch;
mod ejection;
mod endpoint;
mod endpoint_set;
mod exchange;
mod health;
mod lane;
mod link;
mod ports;
mod refusal;
mod resolution;
mod status;
mod target;

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::config::{ClusterConfig, EjectionConfig, HealthConfig};
pub(crate) use self::ports::connect_tcp;
pub use self::ports::{ByteStream, Connector, Resolver, SystemResolver, TcpConnector};
pub use self::status::{ClusterStatus, EndpointConnection, EndpointHealth, EndpointStatus};
pub use self::target::Target;

use self::dispatch::ClusterService;
use self::endpoint_set::EndpointSet;
pub(crate) use self::exchange::ExchangeError;
pub(crate) use self::refusal::ClusterRefusal;
use crate::config_errors::{ConfigErrors, ConfigMistake};
use crate::upstream::{Upstream, upstream};

/// How a cluster reaches the world; tests put their own in place.
pub struct ClusterPorts {
    /// Finds the addresses of names.
    pub resolver: Arc<dyn Resolver>,
    /// Opens connections.
    pub connector: Arc<dyn Connector>,
}

impl Default for ClusterPorts {
    /// The resolver of the system, and TCP without TLS.
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), connector: Arc::new(TcpConnector) }
    }
}

/// The servers of one kind. All clones are one; its tasks end with the last clone and the last [`Upstream`] of it.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
}

/// What the handle and the upstreams of a cluster hold together.
pub(crate) struct Shared {
    pub(crate) endpoints: Arc<EndpointSet>,
    _stop: DropGuard,
}

impl Cluster {
    /// A cluster of the servers at `urls`, each `http://HOST:PORT` or `https://HOST:PORT`; a name stands for every address it resolves to.
    /// It begins to connect at once, so this must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// All mistakes of the configuration and of the URLs at once.
    pub fn new(urls: &[String], config: ClusterConfig, ports: ClusterPorts) -> Result<Self, ConfigErrors> {
        let mut mistakes = config.mistakes("upstreams");
        let mut targets = Vec::with_capacity(urls.len());
        for url in urls {
            match url.parse::<Target>() {
                Ok(target) => targets.push(Arc::new(target)),
                Err(problem) => mistakes.push(ConfigMistake::new("endpoints", format!("{url:?} {problem}"))),
            }
        }
        if urls.is_empty() {
            mistakes.push(ConfigMistake::new("endpoints", "name no server"));
        }
        if !mistakes.is_empty() {
            return Err(ConfigErrors(mistakes));
        }

        let stop = CancellationToken::new();
        let endpoints = Arc::new(EndpointSet::new(config, ports.connector, stop.clone()));
        resolution::start(&endpoints, targets, ports.resolver, &stop);
        ejection::start(&endpoints, &stop);
        Ok(Self { shared: Arc::new(Shared { endpoints, _stop: stop.drop_guard() }) })
    }

    /// The cluster as an upstream of the gateway.
    #[must_use]
    pub fn upstream(&self) -> Upstream {
        upstream(ClusterService::new(Arc::clone(&self.shared)))
    }

    /// How its endpoints are now, for people and for metrics.
    #[must_use]
    pub fn status(&self) -> ClusterStatus {
        self.shared.endpoints.status()
    }

    /// Ends when the status may have changed: an endpoint came or went, connected, was lost, or changed its health. For tests and for
    /// those who wait until a cluster can be used.
    pub async fn changed(&self) {
        let mut changes = self.shared.endpoints.changes();
        // The sender lives as long as `self` does.
        let _ = changes.changed().await;
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("status", &self.status()).finish()
    }
}
