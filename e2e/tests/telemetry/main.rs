//! What the mesh tells of itself: traces, metrics and logs. They belong to the process, so the tests take turns.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod one_trace;
mod secrets;
mod watching;

use bojagi::MeshSettings;
use bojagi_telemetry::metrics::Metrics;
use bojagi_telemetry::otlp::{DEFAULTS, Export, OtlpConfig, Process};
use bojagi_testkit::Collector;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

/// Names a real broker as host:port.
const BROKER: &str = "BOJAGI_TEST_KAFKA";

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

/// The real broker, if there is one, and a part of it for one test alone.
struct Broker {
    bootstrap: String,
    prefix: String,
}

impl Broker {
    fn given() -> Option<Self> {
        let Ok(bootstrap) = std::env::var(BROKER) else {
            eprintln!("not run: {BROKER} names no broker");
            return None;
        };
        Some(Self { bootstrap, prefix: format!("{}.", Uuid::now_v7()) })
    }

    fn carries_facts_of(&self, settings: &mut MeshSettings) {
        settings.kafka.bootstrap.clone_from(&self.bootstrap);
        settings.kafka.prefix.clone_from(&self.prefix);
        settings.kafka.partitions = 2;
    }
}
