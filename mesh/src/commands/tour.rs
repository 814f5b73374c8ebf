//! `bojagi tour`: a customer's day, on a mesh of its own or on one that runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bojagi::client::GatewayClient;
use bojagi::demo::{DemoAccounts, DemoRole};
use bojagi::tour::{self, Admin, Stage, Timeline, TourError};
use bojagi::{DatabaseSettings, Mesh, MeshSettings, Options, StartError};
use bojagi_chassis::settings::Mistakes;
use bojagi_gateway::GatewayConfig;
use bojagi_kernel::SystemClock;
use bojagi_telemetry::metrics::Metrics;
use bojagi_verify::Scope;
use clap::Args;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::telemetry::{self, VERSION};
use super::{CommandError, verify};

/// How long the tour's own mesh may take to come to rest after the day, and how often it is looked at meanwhile.
const REST_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// Where the tour takes place.
#[derive(Debug, Args)]
pub(crate) struct Tour {
    /// The gateway of a running mesh with the sample shop, such as http://127.0.0.1:8080; otherwise the tour starts a mesh of
    /// its own.
    #[arg(long, value_name = "URL", requires = "data")]
    gateway: Option<String>,
    /// The data directory of the running mesh: the admin of its sample shop is there, and its mailbox unless [user] names another.
    #[arg(long, value_name = "DIR", requires = "gateway")]
    data: Option<PathBuf>,
    /// A settings file; [user] says whether the mailbox of the running mesh is elsewhere.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep the data of the tour's own mesh in this directory instead of a temporary one.
    #[arg(long, value_name = "DIR", conflicts_with = "gateway")]
    keep: Option<PathBuf>,
    /// Let the tour's own mesh use the PostgreSQL and Kafka of the settings, where its customers, orders and statements stay. No
    /// shop may be there: the tour would take part of its facts, and close its statements.
    #[arg(long, conflicts_with = "gateway")]
    here: bool,
    /// Print one JSON object instead of a timeline.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(tour: Tour) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(tour.config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    if tour.gateway.is_none() && !tour.here {
        refuse_what_others_use(&settings)?;
    }
    let process = if tour.gateway.is_some() { "tour" } else { "bojagi" };
    let export = telemetry::start(&settings.telemetry, process, &Metrics::of_process(VERSION))?;
    let mut timeline = if tour.json { Timeline::silent() } else { Timeline::printed_to(std::io::stdout()) };
    let outcome = match (&tour.gateway, &tour.data) {
        (Some(gateway), Some(data)) => {
            let accounts = DemoAccounts::in_data(data).map_err(CommandError::other)?;
            let Some(admin) = accounts.first(DemoRole::Admin) else {
                return Err(CommandError::Other(format!(
                    "there is no admin in {} to sign in as: the tour needs the sample shop, so start that mesh without \
                     --no-demo, or take the tour on a mesh of its own, without --gateway",
                    data.display()
                )));
            };
            let stage = Stage {
                gateway: GatewayClient::new(gateway).map_err(CommandError::other)?,
                mailbox: settings.mailbox(data),
                admin: Admin::SignsIn { email: admin.email.clone(), password: admin.password.clone() },
            };
            tour::run(stage, &mut timeline).await
        }
        _ => on_a_mesh_of_its_own(settings, tour.keep.clone(), &mut timeline).await?,
    };
    telemetry::stop(export).await;
    if tour.json {
        println!("{}", timeline.to_json(&outcome));
    }
    match outcome {
        Ok(()) => {
            if !tour.json {
                println!(
                    "\nthe day went as it should: {} steps in {:.1} s",
                    timeline.steps().len(),
                    timeline.took().as_secs_f64()
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("bojagi: the tour ended early: {error}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A mesh of the tour's own has nothing in common with others: what the settings name is mostly meant for another.
fn refuse_what_others_use(settings: &MeshSettings) -> Result<(), StartError> {
    let shared = [
        ("database.url", settings.database.on_a_server(), "a PostgreSQL server"),
        ("kafka.bootstrap", settings.kafka.is_used(), "brokers"),
    ];
    let told = shared.into_iter().filter(|(_, used, _)| *used).map(|(setting, _, what)| {
        format!(
            "{setting}: names {what}, where a shop may be, and without --gateway the tour starts a mesh of its own; unset it, \
             or say --here if the tour is to use that"
        )
    });
    let mistakes: Vec<_> = told.collect();
    if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes).into()) }
}

async fn on_a_mesh_of_its_own(
    mut settings: MeshSettings,
    keep: Option<PathBuf>,
    timeline: &mut Timeline,
) -> Result<Result<(), TourError>, CommandError> {
    let temporary = tempfile::tempdir().map_err(CommandError::other)?;
    let data = keep.unwrap_or_else(|| temporary.path().join("data"));
    // The tour reads its mail itself, and comes by plain HTTP.
    settings.user.mailbox_folder = data.join("mailbox");
    settings.user.smtp.host.clear();
    settings.gateway.tls = GatewayConfig::default().tls;
    let database = settings.database.clone();
    let options =
        Options { data, listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), clock: Arc::new(SystemClock), settings };
    let mesh = Mesh::start(options).await?;
    let granting = &mesh;
    let stage = Stage {
        gateway: GatewayClient::new(&format!("http://{}", mesh.address())).map_err(CommandError::other)?,
        mailbox: mesh.data().join("mailbox"),
        admin: Admin::granted(async move |email: String| granting.grant_admin(&email).await),
    };
    let outcome = match tour::run(stage, timeline).await {
        Ok(()) => come_to_rest(&database, mesh.data()).await,
        Err(error) => Ok(Err(error)),
    };
    let clean = mesh.stop().await;
    if !clean {
        return Err(CommandError::Other("the mesh did not end cleanly".into()));
    }
    outcome
}

/// Waits until every invariant holds, also those that hold at rest: a mesh that stops hears no more of what the day has told.
async fn come_to_rest(database: &DatabaseSettings, data: &Path) -> Result<Result<(), TourError>, CommandError> {
    let given_up = Instant::now() + REST_WITHIN;
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let is_over = Instant::now() >= given_up;
        let report = match verify::check(database, data, Scope::AtRest).await {
            Ok(report) if report.holds() => return Ok(Ok(())),
            Ok(report) => report,
            // The mesh is at work, and may have been in the way.
            Err(_) if !is_over => continue,
            Err(error) => return Err(error),
        };
        if is_over {
            let violated = report.violated().map(|finding| {
                format!("{} ({}): {}", finding.invariant, finding.sentence, finding.violations.join("; "))
            });
            return Ok(Err(TourError::Differs {
                what: "the stores after the day, in the end".to_owned(),
                expected: "that every invariant holds".to_owned(),
                actual: violated.collect::<Vec<_>>().join("; "),
            }));
        }
    }
}
