//! `bojagi up`: everything in this process.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use bojagi::client::GatewayClient;
use bojagi::demo::{self, DemoAccounts};
use bojagi::{Mesh, MeshSettings, Options, StartError};
use bojagi_kernel::SystemClock;
use bojagi_telemetry::metrics::Metrics;

use super::operators::{self, Door, ProcessLog};
use super::stop_signals::StopSignals;
use super::telemetry::{self, VERSION};
use super::{CommandError, Up};

pub(super) async fn run(up: Up) -> Result<ExitCode, CommandError> {
    let began = Instant::now();
    let settings = MeshSettings::load(up.config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    let log = ProcessLog::start(&settings)?;
    let mut stop = StopSignals::hear()?;

    let metrics = Metrics::of_process(VERSION);
    let export = telemetry::start(&settings.telemetry, "bojagi", &metrics)?;
    let for_operators = settings.gateway.admin.clone();
    let kafka = &settings.kafka;
    let events = if kafka.is_used() { format!("Kafka at {}", kafka.bootstrap) } else { "in this process".into() };
    let options = Options { data: up.data.clone(), listen: up.listen, clock: Arc::new(SystemClock), settings };
    let mesh = Mesh::start(options).await?;
    let admin = operators::admit(&for_operators, mesh.gateway(), metrics, log).await?;
    let address = mesh.address();
    println!("bojagi is ready after {} ms", began.elapsed().as_millis());
    println!("  gateway   http://{address}  (gRPC, gRPC-Web)");
    println!("  services  user item coupon order payment settlement, in this process");
    println!("  events    {events}");
    println!("  data      {}", mesh.data().display());
    if let Some(admin) = &admin {
        println!("  operators http://{}", admin.address);
    }

    let stopped_early = tokio::select! {
        () = stop.come() => true,
        shown = show(&mesh, up.no_demo) => { shown?; false },
    };
    if !stopped_early {
        tokio::select! {
            () = stop.come() => {}
            () = mesh.drained() => {}
        }
    }
    println!("stopping");
    let clean = mesh.stop().await;
    telemetry::stop(export).await;
    Door::close(admin).await?;
    println!(
        "{}",
        if clean { "stopped" } else { "stopped; some work had to be cut short and goes on at the next start" }
    );
    Ok(ExitCode::SUCCESS)
}

/// Makes the sample catalogue if it is not there, and prints what to try.
async fn show(mesh: &Mesh, no_demo: bool) -> Result<(), CommandError> {
    let address = mesh.address();
    if !no_demo {
        let gateway = GatewayClient::new(&format!("http://{address}")).map_err(CommandError::other)?;
        let accounts = demo::ensure(&gateway, mesh.data(), async |email: &str| mesh.grant_admin(email).await)
            .await
            .map_err(CommandError::other)?;
        print_accounts(&accounts);
    }
    println!("\ntry");
    println!("  cargo run --release -- tour --gateway http://{address} --data {}", mesh.data().display());
    println!("  grpcurl -plaintext {address} list");
    println!("  grpcurl -plaintext -d '{{\"keyword\": \"tea\"}}' {address} bojagi.item.v1.CatalogService/SearchItems");
    println!("\nCtrl-C stops it");
    Ok(())
}

pub(super) fn print_accounts(accounts: &DemoAccounts) {
    println!("\ndemo accounts");
    for account in accounts.list() {
        println!("  {:<9} {:<32} {}", account.role, account.email, account.password);
    }
}
