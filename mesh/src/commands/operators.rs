//! The door for operators, for every command that runs a gateway or services.

use std::net::SocketAddr;
use std::sync::Arc;

use bojagi_gateway::{Admin, AdminConfig, LogFilter, RunningGateway};
use bojagi_telemetry::logging;
use bojagi_telemetry::metrics::Metrics;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::CommandError;

/// The log of the process, for operators and for reloads.
pub(super) struct ProcessLog(logging::LogFilter);

impl ProcessLog {
    pub(super) fn new(filter: logging::LogFilter) -> Self {
        Self(filter)
    }
}

impl LogFilter for ProcessLog {
    fn get(&self) -> Result<String, String> {
        self.0.get().map_err(|error| error.to_string())
    }

    fn set(&self, filter: &str) -> Result<(), String> {
        self.0.set(filter).map_err(|error| error.to_string())
    }
}

/// An admin port that is open.
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pub(super) served: JoinHandle<()>,
}

/// Opens the admin port where the configuration has one, until `ended`: it is the last to close, so that operators can see how the gateway
/// drains.
pub(super) async fn admit(
    config: &AdminConfig,
    running: RunningGateway,
    metrics: Metrics,
    log: Arc<ProcessLog>,
    ended: &CancellationToken,
) -> Result<Option<Door>, CommandError> {
    // Also without a port: what the gateway counts may be reported to a collector.
    let admin = Admin::new(running, metrics, log);
    let Some(address) = config.address() else { return Ok(None) };
    open(admin, address, ended).await.map(Some)
}

/// Opens an admin port, until `ended`.
pub(super) async fn open(admin: Admin, address: SocketAddr, ended: &CancellationToken) -> Result<Door, CommandError> {
    let bound = admin.bind(address).await.map_err(CommandError::other)?;
    let address = bound.local_addr();
    tracing::info!(%address, "operators may call");
    Ok(Door { address, served: tokio::spawn(bound.serve(ended.clone().cancelled_owned())) })
}
