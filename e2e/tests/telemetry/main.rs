//! What the mesh tells of itself: traces, metrics and logs. They belong to the process, so the tests take turns.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod one_trace;
mod secrets;
mod watching;

use bojagi_telemetry::metrics::Metrics;
use bojagi_telemetry::otlp::{DEFAULTS, Export, OtlpConfig, Process};
use bojagi_testkit::Collector;
use tokio::sync::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::const_new(());

/// A collector that is told everything this process does until it is stopped.
struct Watched {
    collector: Collector,
    metrics: Metrics,
    export: Export,
    _turn: MutexGuard<'static, ()>,
}

impl Watched {
    async fn begin() -> Self {
        let turn = TURN.lock().await;
        let collector = Collector::start().await;
        let mut config: OtlpConfig = toml::from_str(DEFAULTS).unwrap();
        config.flush_milliseconds = 60_000;
        config.endpoint = collector.endpoint();
        config.gather_milliseconds = 10;
        let metrics = Metrics::of_process("0.0.0");
        let process = Process { name: "bojagi", version: "0.0.0" };
        let export = Export::start(&config, process, metrics.clone()).unwrap().unwrap();
        Self { collector, metrics, export, _turn: turn }
    }

    /// Ends it: everything that was recorded has come to the collector.
    async fn end(self) -> (Collector, Metrics) {
        self.export.stop().await;
        (self.collector, self.metrics)
    }
}
