//! Export to an OpenTelemetry collector: spans as they end, metrics now and then, both over gRPC.
//!
//! Nothing waits for a collector. One that is slow or away costs the spans that do not fit into the queue meanwhile, which
//! are counted; it is tried again with growing pauses, and told of in the log once.

mod config;
pub(crate) mod counted;
mod metrics;
mod openmetrics;
mod patience;
mod spans;
mod way;
mod wire;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

pub use self::config::{DEFAULTS, OtlpConfig};

use self::config::Header;
use self::wire::Resources;
use crate::metrics::Metrics;
use crate::span::{Recorder, record_with};
use crate::trace;

/// The process that reports.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// What it is called beside the services in it.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
#[error("telemetry.{0}")]
pub struct NoCollector(String);

/// The export of this process, which goes on until it is stopped.
pub struct Export {
    stop: CancellationToken,
    spans: JoinHandle<()>,
    metrics: JoinHandle<()>,
}

impl Export {
    /// Begins to record spans and to export them and `metrics`, if the configuration names a collector. Nothing is
    /// connected yet: a collector that is away is waited for.
    ///
    /// # Errors
    /// When there is no way to the collector, which [`OtlpConfig::check`] tells first.
    pub fn start(config: &OtlpConfig, process: Process, metrics: Metrics) -> Result<Option<Self>, NoCollector> {
        trace::sample_roots(config.sampling_ratio);
        counted::show();
        if !config.is_used() {
            return Ok(None);
        }
        let instance = if config.instance.is_empty() { Uuid::now_v7().to_string() } else { config.instance.clone() };
        let resources = Resources { prefix: config.service_prefix.clone(), instance, process };
        let line = Line { channel: way::open(config)?, headers: config.headers(), timeout: config.timeout() };
        let stop = CancellationToken::new();

        let (recorder, ended) = Recorder::with_room_for(config.queue);
        let exporter = spans::Exporter::new(line.clone(), resources.clone(), config);
        let spans = tokio::spawn(exporter.run(ended, stop.clone()));
        let reporter = metrics::Reporter::new(line, resources, metrics, config.flush());
        let metrics = tokio::spawn(reporter.run(Duration::from_secs(config.metrics_seconds), stop.clone()));
        record_with(Some(recorder));
        Ok(Some(Self { stop, spans, metrics }))
    }

    /// Ends it: what has been recorded is sent, as far as that takes no longer than the configuration allows.
    pub async fn stop(self) {
        record_with(None);
        self.stop.cancel();
        for task in [self.spans, self.metrics] {
            if let Err(error) = task.await {
                tracing::error!(%error, "the export of telemetry did not end well");
            }
        }
    }
}

/// The line to the collector.
#[derive(Clone)]
struct Line {
    channel: Channel,
    headers: Vec<Header>,
    timeout: Duration,
}

impl Line {
    /// Sends a message with `call` and waits for the answer, for as long as that may take.
    async fn send<M, A>(
        &self,
        message: M,
        call: impl AsyncFnOnce(Channel, Request<M>) -> Result<tonic::Response<A>, Status>,
    ) -> Result<A, Status> {
        let mut metadata = MetadataMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            metadata.insert(name.clone(), value.clone());
        }
        let request = Request::from_parts(metadata, tonic::Extensions::default(), message);
        match timeout(self.timeout, call(self.channel.clone(), request)).await {
            Ok(answer) => answer.map(tonic::Response::into_inner),
            Err(_) => Err(Status::deadline_exceeded("no answer in time")),
        }
    }
}
