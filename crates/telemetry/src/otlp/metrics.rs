//! Reports all metrics of the process, as they are now and counted since it began.

use std::time::Duration;

use bojagi_kernel::{Clock, SystemClock};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::patience::Patience;
use super::wire::Resources;
use super::{Line, openmetrics};
use crate::metrics::Metrics;

/// The task that reports.
pub(super) struct Reporter {
    line: Line,
    resources: Resources,
    metrics: Metrics,
    flush: Duration,
    patience: Patience,
    began_nanos: u64,
}

impl Reporter {
    pub(super) fn new(line: Line, resources: Resources, metrics: Metrics, flush: Duration) -> Self {
        Self { line, resources, metrics, flush, patience: Patience::with("metrics"), began_nanos: now_nanos() }
    }

    /// Reports with `pause` between, and once more when `stop` is cancelled. What could not be reported is in the next
    /// report too, because everything is counted since the process began.
    pub(super) async fn run(mut self, pause: Duration, stop: CancellationToken) {
        if pause.is_zero() {
            return;
        }
        let mut due = interval_at(Instant::now() + pause, pause);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! { () = stop.cancelled() => break, _ = due.tick() => {} }
            let reported = tokio::select! { () = stop.cancelled() => break, reported = self.report() => reported };
            match reported {
                Ok(()) => self.patience.after_answer(0),
                Err(status) => drop(self.patience.after_failure(&status)),
            }
        }
        if !matches!(timeout(self.flush, self.report()).await, Ok(Ok(()))) {
            tracing::debug!("the last metrics could not be reported");
        }
    }

    async fn report(&self) -> Result<(), Status> {
        let text = self.metrics.text().map_err(|error| Status::internal(error.to_string()))?;
        let metrics = openmetrics::read(&text, self.began_nanos, now_nanos());
        let scope = Some(self.resources.scope());
        let message = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resources.service(self.resources.process.name)),
                scope_metrics: vec![ScopeMetrics { scope, metrics, ..ScopeMetrics::default() }],
                ..ResourceMetrics::default()
            }],
        };
        let call = async |channel, request| MetricsServiceClient::new(channel).export(request).await;
        let _taken: ExportMetricsServiceResponse = self.line.send(message, call).await?;
        Ok(())
    }
}

fn now_nanos() -> u64 {
    u64::try_from(SystemClock.now().micros()).unwrap_or(0).saturating_mul(1_000)
}
