//! All endpoints of a cluster.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::ClusterConfig;
use super::endpoint::Endpoint;
use super::link;
use super::ports::Connector;
use super::refusal::ClusterRefusal;
use super::status::{ClusterStatus, EndpointHealth};
use super::target::Target;

/// All endpoints of a cluster, and what is counted for all of them together.
pub(crate) struct EndpointSet {
    pub(crate) config: ClusterConfig,
    pub(crate) connector: Arc<dyn Connector>,
    endpoints: RwLock<Arc<[Arc<Endpoint>]>>,
    /// False until names were looked up for the first time.
    resolved: AtomicBool,
    resolve_error: Mutex<Option<String>>,
    changed: watch::Sender<()>,
    pub(crate) panicking: AtomicBool,
    pub(crate) in_flight: AtomicUsize,
    refused_overloaded: AtomicU64,
    refused_unreachable: AtomicU64,
    stop: CancellationToken,
}

impl EndpointSet {
    pub(crate) fn new(config: ClusterConfig, connector: Arc<dyn Connector>, stop: CancellationToken) -> Self {
        Self {
            config,
            connector,
            endpoints: RwLock::new(Arc::new([])),
            resolved: AtomicBool::new(false),
            resolve_error: Mutex::new(None),
            changed: watch::Sender::new(()),
            panicking: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            refused_overloaded: AtomicU64::new(0),
            refused_unreachable: AtomicU64::new(0),
            stop,
        }
    }

    pub(crate) fn all(&self) -> Arc<[Arc<Endpoint>]> {
        Arc::clone(&self.endpoints.read())
    }

    /// Whether endpoints may still come that nobody knows yet.
    pub(crate) fn is_being_resolved(&self) -> bool {
        !self.resolved.load(Ordering::Acquire)
    }

    /// Endpoints that stay keep their connection and their record; new ones begin to connect; those that are not listed any more get no
    /// calls, and their connections close when the last call on them has ended.
    pub(crate) fn replace(self: &Arc<Self>, listed: &[(Arc<Target>, SocketAddr)], problem: Option<String>) {
        let before = self.all();
        let mut seen = HashSet::new();
        let after: Arc<[Arc<Endpoint>]> = listed
            .iter()
            .filter(|entry| seen.insert(*entry))
            .map(|(target, address)| {
                let known = before.iter().find(|known| known.target == *target && known.address == *address);
                known.map_or_else(|| self.begin(Arc::clone(target), *address), Arc::clone)
            })
            .collect();
        for endpoint in before.iter() {
            if !after.iter().any(|kept| Arc::ptr_eq(kept, endpoint)) {
                tracing::info!(endpoint = &*endpoint.label, "an endpoint is no more");
                endpoint.gone.cancel();
            }
        }
        *self.endpoints.write() = after;
        *self.resolve_error.lock() = problem;
        self.resolved.store(true, Ordering::Release);
        self.tell();
    }

    fn begin(self: &Arc<Self>, target: Arc<Target>, address: SocketAddr) -> Arc<Endpoint> {
        let health = if self.config.health.watch { EndpointHealth::Unknown } else { EndpointHealth::Unwatched };
        let endpoint = Arc::new(Endpoint::new(target, address, health, self.stop.child_token()));
        tracing::info!(endpoint = &*endpoint.label, "an endpoint is new");
        link::start(self, &endpoint);
        endpoint
    }

    /// Says that something has changed that a waiting call may want to know.
    pub(crate) fn tell(&self) {
        self.changed.send_replace(());
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Counts a call that was not sent to anybody.
    pub(crate) fn count_refusal(&self, refusal: &ClusterRefusal) {
        let counter = match refusal {
            ClusterRefusal::Overloaded => &self.refused_overloaded,
            ClusterRefusal::Unreachable | ClusterRefusal::NotTaken(_) => &self.refused_unreachable,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn status(&self) -> ClusterStatus {
        let now = Instant::now();
        ClusterStatus {
            endpoints: self.all().iter().map(|endpoint| endpoint.status(now)).collect(),
            panicking: self.panicking.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            max_in_flight: self.config.max_in_flight,
            refused_overloaded: self.refused_overloaded.load(Ordering::Relaxed),
            refused_unreachable: self.refused_unreachable.load(Ordering::Relaxed),
            resolve_error: self.resolve_error.lock().clone(),
        }
    }
}
