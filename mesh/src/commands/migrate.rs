//! `bojagi migrate`: brings the schemas up to date and ends.

use std::path::PathBuf;
use std::process::ExitCode;

use bojagi::{CONTEXTS, DataFolder, MeshSettings, StartError};
use bojagi_kernel::SystemClock;
use clap::Args;

use super::CommandError;
use super::operators::ProcessLog;

/// Which stores.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The data directory, when the stores are files.
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
    /// A settings file; what it does not name keeps its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(migrate: Migrate) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(migrate.config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    // It says what it has to wait for.
    let _log = ProcessLog::start(&settings)?;
    // Files belong to one process at a time; a server does not mind.
    let taken = (!settings.database.on_a_server()).then(|| DataFolder::take(&migrate.data));
    let _taken = taken.transpose().map_err(CommandError::other)?;
    bojagi::migrate(&settings.database, &migrate.data, &SystemClock).await?;
    println!("the schemas of {} stores are up to date", CONTEXTS.len());
    Ok(ExitCode::SUCCESS)
}
