//! `bojagi gateway --shop`: the gateway alone, in front of the services of the shop.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bojagi::{MeshSettings, ShopGateway, ShopGatewayOptions, StartError};
use bojagi_chassis::settings::Mistakes;
use bojagi_kernel::SystemClock;
use bojagi_telemetry::logging;
use bojagi_telemetry::metrics::Metrics;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::CommandError;
use super::operators::{self, ProcessLog};
use super::telemetry::{self, VERSION};

/// Where it listens when nothing else is said.
const LISTEN: &str = "127.0.0.1:8080";

pub(super) async fn run(config: Option<&Path>, listen: Option<&str>) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(config, std::env::vars()).map_err(StartError::from)?;
    let format = if settings.mesh.log_format == "json" { logging::Format::Json } else { logging::Format::Text };
    let log = Arc::new(ProcessLog::new(logging::start(&settings.mesh.log, format).map_err(CommandError::other)?));
    // Heard from the beginning, so that a signal during the start is not lost.
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::other)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::other)?;

    let listen = listen.unwrap_or(LISTEN);
    let listen = listen
        .parse::<SocketAddr>()
        .map_err(|error| StartError::Settings(Mistakes(vec![format!("--listen: {listen:?}: {error}")])))?;
    let metrics = Metrics::of_process(VERSION);
    let export = telemetry::start(&settings.telemetry, "gateway", &metrics)?;
    let (for_operators, tls) = (settings.gateway.admin.clone(), settings.gateway.tls.is_on());
    let clock = Arc::new(SystemClock);
    let gateway = ShopGateway::start(ShopGatewayOptions { listen, clock, settings }).await?;
    let ended = CancellationToken::new();
    let admin = operators::admit(&for_operators, gateway.running(), metrics, log, &ended).await?;
    println!("gateway listening on {}://{}", if tls { "https" } else { "http" }, gateway.address());
    let asked_to_stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    gateway.serve(asked_to_stop).await;
    telemetry::stop(export).await;

    // The door for operators is the last to close, so that they can see how the gateway drains.
    ended.cancel();
    if let Some(admin) = admin {
        admin.served.await.map_err(CommandError::other)?;
    }
    Ok(ExitCode::SUCCESS)
}
