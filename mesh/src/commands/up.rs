//! `bojagi up`: everything in this process.

use std::path::PathBuf;
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
    let shown = Shown::of(&up, &settings);
    let kafka = &settings.kafka;
    let events = if kafka.is_used() { format!("Kafka at {}", kafka.bootstrap) } else { "in this process".into() };
    let options = Options { data: up.data.clone(), listen: up.listen, clock: Arc::new(SystemClock), settings };
    let mesh = tokio::select! {
        mesh = Mesh::start(options) => mesh?,
        () = stop.come() => return Ok(ExitCode::SUCCESS),
    };
    let admin = operators::admit(&for_operators, mesh.gateway(), metrics, log).await?;
    let address = mesh.address();
    println!("bojagi is ready after {} ms", began.elapsed().as_millis());
    println!("  gateway   {}://{address}  (gRPC, gRPC-Web)", shown.scheme());
    println!("  services  user item coupon order payment settlement, in this process");
    println!("  events    {events}");
    println!("  data      {}", mesh.data().display());
    if let Some(admin) = &admin {
        println!("  operators http://{}", admin.address);
    }

    let stopped_early = tokio::select! {
        () = stop.come() => true,
        () = shown.print(&mesh) => false,
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

/// What is shown once the mesh is ready.
struct Shown {
    tls: bool,
    config: Option<PathBuf>,
    mailbox: PathBuf,
    sample_shop: SampleShop,
}

/// Whether there is to be a sample shop.
enum SampleShop {
    Wanted,
    Unwanted,
    /// It cannot be made, for this reason.
    Impossible(String),
}

impl Shown {
    fn of(up: &Up, settings: &MeshSettings) -> Self {
        let tls = settings.gateway.tls.is_on();
        let no_way_in = || "what makes it speaks plain HTTP, and the gateway is behind TLS ([gateway.tls])".to_owned();
        let sample_shop = match tls.then(no_way_in).or_else(|| no_mail_to_read(settings)) {
            _ if up.no_demo => SampleShop::Unwanted,
            Some(reason) => SampleShop::Impossible(reason),
            None => SampleShop::Wanted,
        };
        Self { tls, config: up.config.clone(), mailbox: settings.mailbox(&up.data), sample_shop }
    }

    const fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Makes the sample catalogue if it is not there, and prints what to try. The shop is open whatever becomes of its samples.
    async fn print(&self, mesh: &Mesh) {
        match &self.sample_shop {
            SampleShop::Wanted => match self.ensure_sample_shop(mesh).await {
                Ok(accounts) => print_accounts(&accounts),
                Err(error) => {
                    eprintln!("bojagi: {error}; the mesh runs, and with --no-demo it starts without a sample shop")
                }
            },
            SampleShop::Impossible(reason) => match demo::accounts_once_complete(mesh.data()) {
                Ok(Some(accounts)) => print_accounts(&accounts),
                Ok(None) => println!("\nno sample shop is made: {reason}; --no-demo keeps quiet about it"),
                Err(error) => eprintln!("bojagi: {error}"),
            },
            SampleShop::Unwanted => {}
        }
        let address = mesh.address();
        let security = if self.tls { "-cacert CA.pem" } else { "-plaintext" };
        println!("\ntry");
        if !self.tls {
            let config = self.config.as_ref().map(|file| format!(" --config {}", file.display())).unwrap_or_default();
            let data = mesh.data().display();
            println!("  cargo run --release -- tour --gateway http://{address} --data {data}{config}");
        }
        println!("  grpcurl {security} {address} list");
        println!(
            "  grpcurl {security} -d '{{\"keyword\": \"tea\"}}' {address} bojagi.item.v1.CatalogService/SearchItems"
        );
        println!("\nCtrl-C stops it");
    }

    async fn ensure_sample_shop(&self, mesh: &Mesh) -> Result<DemoAccounts, CommandError> {
        let gateway = GatewayClient::new(&format!("http://{}", mesh.address())).map_err(CommandError::other)?;
        let grant = async |email: &str| mesh.grant_admin(email).await;
        demo::ensure(&gateway, mesh.data(), &self.mailbox, grant).await.map_err(CommandError::other)
    }
}

/// Why nobody can join the shop from here, if so.
pub(super) fn no_mail_to_read(settings: &MeshSettings) -> Option<String> {
    let host = &settings.user.smtp.host;
    (!host.is_empty()).then(|| format!("its people read their mail in a folder, and mail goes to {host} ([user.smtp])"))
}

pub(super) fn print_accounts(accounts: &DemoAccounts) {
    println!("\ndemo accounts");
    for account in accounts.list() {
        println!("  {:<9} {:<32} {}", account.role, account.email, account.password);
    }
}
