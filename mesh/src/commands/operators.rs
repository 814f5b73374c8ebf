//! The door for operators, for every command that runs a gateway or services.

use std::net::SocketAddr;
use std::sync::Arc;

use bojagi::MeshSettings;
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

    /// Starts the log as the settings of the mesh have it.
    pub(super) fn start(settings: &MeshSettings) -> Result<Arc<Self>, CommandError> {
        let format = if settings.mesh.log_format == "json" { logging::Format::Json } else { logging::Format::Text };
        let filter = logging::start(&settings.mesh.log, format).map_err(CommandError::other)?;
        Ok(Arc::new(Self(filter)))
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
    served: JoinHandle<()>,
    ended: CancellationToken,
}

impl Door {
    /// Closes it, if there is one: the last to go, so that operators can see how the process drains.
    pub(super) async fn close(door: Option<Self>) -> Result<(), CommandError> {
        let Some(door) = door else { return Ok(()) };
        door.ended.cancel();
        door.served.await.map_err(CommandError::other)
    }
}

/// Opens the admin port where the configuration has one.
pub(super) async fn admit(
    config: &AdminConfig,
    running: RunningGateway,
    metrics: Metrics,
    log: Arc<ProcessLog>,
) -> Result<Option<Door>, CommandError> {
    // Also without a port: what the gateway counts may be reported to a collector.
    let admin = Admin::new(running, metrics, log);
    let Some(address) = config.address() else { return Ok(None) };
    open(admin, address).await.map(Some)
}

/// Opens an admin port.
pub(super) async fn open(admin: Admin, address: SocketAddr) -> Result<Door, CommandError> {
    let bound = admin.bind(address).await.map_err(CommandError::other)?;
    let address = bound.local_addr();
    tracing::info!(%address, "operators may call");
    let ended = CancellationToken::new();
    Ok(Door { address, served: tokio::spawn(bound.serve(ended.clone().cancelled_owned())), ended })
}
