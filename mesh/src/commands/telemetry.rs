//! Traces and metrics for a collector, for every command that serves.

use bojagi_telemetry::metrics::Metrics;
use bojagi_telemetry::otlp::{Export, OtlpConfig, Process};

use super::CommandError;

/// The version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Begins to export what the process does and counts, if the settings name a collector. `name` is what the process is called
/// beside the services in it.
pub(super) fn start(
    config: &OtlpConfig,
    name: &'static str,
    metrics: &Metrics,
) -> Result<Option<Export>, CommandError> {
    let process = Process { name, version: VERSION };
    Export::start(config, process, metrics.clone()).map_err(CommandError::other)
}

/// Sends what is left, at the very end.
pub(super) async fn stop(export: Option<Export>) {
    if let Some(export) = export {
        export.stop().await;
    }
}
