//! `bojagi gateway --shop`: the gateway alone, in front of the services of the shop.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bojagi::{MeshSettings, ShopGateway, ShopGatewayOptions, StartError};
use bojagi_chassis::settings::Mistakes;
use bojagi_kernel::SystemClock;
use bojagi_telemetry::metrics::Metrics;

use super::CommandError;
use super::operators::{self, Door, ProcessLog};
use super::stop_signals::StopSignals;
use super::telemetry::{self, VERSION};

/// Where it listens when nothing else is said.
const LISTEN: &str = "127.0.0.1:8080";

pub(super) async fn run(config: Option<&Path>, listen: Option<&str>) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(config, std::env::vars()).map_err(StartError::from)?;
    let log = ProcessLog::start(&settings)?;
    let mut stop = StopSignals::hear()?;

    let listen = listen.unwrap_or(LISTEN);
    let listen = listen
        .parse::<SocketAddr>()
        .map_err(|error| StartError::Settings(Mistakes(vec![format!("--listen: {listen:?}: {error}")])))?;
    let metrics = Metrics::of_process(VERSION);
    let export = telemetry::start(&settings.telemetry, "gateway", &metrics)?;
    let (for_operators, tls) = (settings.gateway.admin.clone(), settings.gateway.tls.is_on());
    let clock = Arc::new(SystemClock);
    let gateway = ShopGateway::start(ShopGatewayOptions { listen, clock, settings }).await?;
    let admin = operators::admit(&for_operators, gateway.running(), metrics, log).await?;
    println!("gateway listening on {}://{}", if tls { "https" } else { "http" }, gateway.address());
    gateway.serve(async { stop.come().await }).await;
    telemetry::stop(export).await;
    Door::close(admin).await?;
    Ok(ExitCode::SUCCESS)
}
