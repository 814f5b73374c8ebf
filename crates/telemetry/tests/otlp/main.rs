//! Export to a collector that is there, slow, or away. One process records for one export at a time, so the tests take turns.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod collectors;
mod encrypted;
mod reports;

use std::time::{Duration, Instant};

use bojagi_telemetry::metrics::Metrics;
use bojagi_telemetry::otlp::{DEFAULTS, Export, OtlpConfig, Process};
use bojagi_telemetry::{Span, SpanKind};
use tokio::sync::{Mutex, MutexGuard};

const NO_ROOM: &str = "bojagi_telemetry_spans_lost_total{reason=\"no_room\"}";
const ENDED: &str = "bojagi_telemetry_spans_lost_total{reason=\"ended\"}";

static TURN: Mutex<()> = Mutex::const_new(());

/// An export that is alone in the process until it is stopped.
struct Running {
    export: Export,
    metrics: Metrics,
    turn: MutexGuard<'static, ()>,
}

impl Running {
    async fn to(endpoint: &str, change: impl FnOnce(&mut OtlpConfig)) -> Self {
        let turn = TURN.lock().await;
        let mut config: OtlpConfig = toml::from_str(DEFAULTS).unwrap();
        config.endpoint = endpoint.to_owned();
        config.gather_milliseconds = 10;
        // Nothing is given up because a busy machine was slow.
        config.flush_milliseconds = 60_000;
        change(&mut config);
        let metrics = Metrics::of_process("1.2.3");
        let process = Process { name: "bojagi", version: "1.2.3" };
        let export = Export::start(&config, process, metrics.clone()).unwrap().unwrap();
        Self { export, metrics, turn }
    }

    /// Ends it and answers how long that took.
    async fn stop(self) -> Duration {
        let began = Instant::now();
        drop(self.stop_in_turn().await);
        began.elapsed()
    }

    /// Ends it; the turn is another's when the answer is dropped.
    async fn stop_in_turn(self) -> MutexGuard<'static, ()> {
        self.export.stop().await;
        self.turn
    }
}

/// What a counter of the process stands at.
fn counted(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.text().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

fn work(name: &'static str) {
    drop(Span::begin("order", SpanKind::Internal, name, None));
}
