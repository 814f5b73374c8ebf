//! All metrics of a gateway by name. A family holds one metric for each combination of labels that has occurred.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Counter;
use super::labels::{ErrorLabels, HandledLabels, MethodLabels, RefusalLabels, StartedLabels};

/// The upper bounds of the classes of durations, in seconds: a call through a gateway on the same machine takes less than the first.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

#[derive(Debug)]
pub(super) struct Families {
    pub(super) started: Family<StartedLabels, Counter>,
    pub(super) handled: Family<HandledLabels, Counter>,
    pub(super) errors: Family<ErrorLabels, Counter>,
    pub(super) seconds: Family<MethodLabels, Histogram>,
    pub(super) in_flight: Family<MethodLabels, Gauge>,
    pub(super) messages_in: Family<MethodLabels, Counter>,
    pub(super) messages_out: Family<MethodLabels, Counter>,
    pub(super) bytes_in: Family<MethodLabels, Counter>,
    pub(super) bytes_out: Family<MethodLabels, Counter>,
    pub(super) attempts: Family<MethodLabels, Counter>,
    pub(super) retries: Family<MethodLabels, Counter>,
    pub(super) connections: Gauge,
    pub(super) connections_accepted: Counter,
    pub(super) connections_refused: Family<RefusalLabels, Counter>,
}

impl Default for Families {
    fn default() -> Self {
        Self {
            started: Family::default(),
            handled: Family::default(),
            errors: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            in_flight: Family::default(),
            messages_in: Family::default(),
            messages_out: Family::default(),
            bytes_in: Family::default(),
            bytes_out: Family::default(),
            attempts: Family::default(),
            retries: Family::default(),
            connections: Gauge::default(),
            connections_accepted: Counter::default(),
            connections_refused: Family::default(),
        }
    }
}

impl Families {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("calls_started", "Calls of methods that were found", self.started.clone());
        registry.register("calls_handled", "Calls that are over, by what the client was told", self.handled.clone());
        registry.register("errors", "Calls that the gateway itself ended, by reason", self.errors.clone());
        let help = "How long calls took, from their headers to the end of the answer";
        registry.register_with_unit("call_duration", help, Unit::Seconds, self.seconds.clone());
        registry.register("calls_in_flight", "Calls that have begun and are not over", self.in_flight.clone());
        registry.register("messages_received", "Messages of requests", self.messages_in.clone());
        registry.register("messages_sent", "Messages of answers", self.messages_out.clone());
        let help = "Bytes of requests in native gRPC, without headers";
        registry.register_with_unit("received", help, Unit::Bytes, self.bytes_in.clone());
        let help = "Bytes of answers in native gRPC, without headers and trailers";
        registry.register_with_unit("sent", help, Unit::Bytes, self.bytes_out.clone());
        registry.register("upstream_attempts", "Times that calls were sent to an upstream", self.attempts.clone());
        registry.register("upstream_retries", "Attempts after the first one of a call", self.retries.clone());
        registry.register("connections", "Open connections of clients", self.connections.clone());
        registry.register("connections_accepted", "Connections of clients", self.connections_accepted.clone());
        let help = "Connections that were closed at once, by reason";
        registry.register("connections_refused", help, self.connections_refused.clone());
    }
}
