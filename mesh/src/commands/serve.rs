//! `bojagi serve order`: some of the services in this process, the others elsewhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use bojagi::{CONTEXTS, MeshSettings, ServeOptions, Served, StartError};
use bojagi_chassis::settings::Mistakes;
use bojagi_gateway::Admin;
use bojagi_kernel::SystemClock;
use bojagi_telemetry::metrics::Metrics;
use clap::Args;

use super::CommandError;
use super::operators::{self, Door, ProcessLog};
use super::stop_signals::StopSignals;
use super::telemetry::{self, VERSION};

/// Which services, and where they keep data and take calls.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The services: user, item, coupon, order, payment, settlement.
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<String>,
    /// A settings file; what it does not name keeps its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where it takes calls, instead of where [serve] says; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The data directory: stores in files, unless [database] names a server, and mail while no SMTP server is configured.
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
}

pub(super) async fn run(serve: Serve) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(serve.config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    let log = ProcessLog::start(&settings)?;
    let mut stop = StopSignals::hear()?;

    let listen = serve.listen.map_or_else(|| address("serve.listen", &settings.serve.listen), Ok)?;
    let admin_listen = settings.serve.admin_listen.clone();
    let for_operators = (!admin_listen.is_empty()).then(|| address("serve.admin_listen", &admin_listen)).transpose()?;
    let names = serve.services.join(" ");
    let metrics = Metrics::of_process(VERSION);
    let alone = CONTEXTS.iter().map(|(name, _)| *name).find(|name| *name == names);
    let export = telemetry::start(&settings.telemetry, alone.unwrap_or("bojagi"), &metrics)?;
    let clock = Arc::new(SystemClock);
    let options = ServeOptions { services: serve.services, data: serve.data, listen, clock, settings };
    let served = tokio::select! {
        served = Served::start(options) => served?,
        () = stop.come() => return Ok(ExitCode::SUCCESS),
    };

    let admin = match for_operators {
        Some(address) => {
            let admin = Admin::of(served.operated(), metrics, log);
            Some(operators::open(admin, address).await?)
        }
        None => None,
    };
    let operators = admin.as_ref().map(|admin| format!(", operators at http://{}", admin.address)).unwrap_or_default();
    println!("serving {names} at https://{}{operators}", served.address());

    tokio::select! {
        () = stop.come() => {}
        () = served.asked_to_drain() => {}
    }
    let clean = served.stop().await;
    telemetry::stop(export).await;
    Door::close(admin).await?;
    if !clean {
        eprintln!("bojagi: some work had to be cut short; whoever serves {names} next goes on with it");
    }
    Ok(ExitCode::SUCCESS)
}

fn address(setting: &str, text: &str) -> Result<SocketAddr, StartError> {
    text.parse().map_err(|error| Mistakes(vec![format!("{setting}: {text:?}: {error}")]).into())
}
