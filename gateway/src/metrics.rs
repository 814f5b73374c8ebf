//! What the gateway counts. A method resolves its counters once and keeps them, so that a call costs a few atomic additions.
//!
//! Labels are closed sets: methods come from the descriptor set, and calls of anything else are counted under `other`.

mod families;
mod labels;
mod method;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bojagi_telemetry::metrics::Metrics;
use prometheus_client::metrics::gauge::Gauge;

use self::families::Families;
use self::labels::{MethodLabels, RefusalLabels};

pub(crate) use bojagi_telemetry::metrics::code_name;
pub(crate) use labels::DialectLabel;
pub(crate) use method::{Ended, MethodMetrics};

/// The counters of a gateway. All clones are one, so a gateway that is built anew can go on counting where the last one was.
#[derive(Clone, Debug, Default)]
pub struct GatewayMetrics {
    families: Arc<Families>,
}

impl GatewayMetrics {
    /// Shows the counters among those of the process, under names that begin with `bojagi_gateway_`.
    pub fn register(&self, metrics: &Metrics) {
        metrics.register(|registry| self.families.register(registry.sub_registry_with_prefix("bojagi_gateway")));
    }

    /// The counters of a method, by the path of its calls.
    pub(crate) fn of_method(&self, path: &str) -> Arc<MethodMetrics> {
        Arc::new(MethodMetrics::new(Arc::clone(&self.families), MethodLabels::of_path(path)))
    }

    /// The counters of everything that is in no descriptor set.
    pub(crate) fn of_others(&self) -> Arc<MethodMetrics> {
        Arc::new(MethodMetrics::new(Arc::clone(&self.families), MethodLabels::others()))
    }

    /// Counts a connection, as open until the answer is dropped.
    pub(crate) fn connection(&self) -> Present {
        self.families.connections_accepted.inc();
        Present::in_gauge(&self.families.connections)
    }

    /// Counts a connection that was closed at once.
    pub(crate) fn connection_refused(&self, reason: &'static str) {
        self.families.connections_refused.get_or_create(&RefusalLabels { reason }).inc();
    }
}

/// Something that counts as present in a gauge until it is dropped.
#[derive(Debug)]
pub(crate) struct Present {
    gauge: Gauge<i64>,
}

impl Present {
    pub(crate) fn in_gauge(gauge: &Gauge<i64>) -> Self {
        gauge.inc();
        Self { gauge: gauge.clone() }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

/// A counter of events.
pub(crate) type Counter = prometheus_client::metrics::counter::Counter<u64, AtomicU64>;
