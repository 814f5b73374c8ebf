//! `bojagi verify`: the invariants over the stores.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bojagi::{CONTEXTS, DatabaseSettings, MeshSettings, StartError};
use bojagi_store::{Database, copy_to_file};
use bojagi_verify::{Report, Scope};
use clap::Args;

use super::CommandError;

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The data directory. While a mesh runs on it and is not at rest, say --moving: what is under way looks like a mistake
    /// otherwise.
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
    /// A settings file; it says whether the stores are on a server instead.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check only what holds at any moment, and leave out what compares stores and holds when nothing is under way.
    #[arg(long)]
    moving: bool,
}

pub(super) async fn run(verify: Verify) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(verify.config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    let scope = if verify.moving { Scope::AnyMoment } else { Scope::AtRest };
    let report = check(&settings.database, &verify.data, scope).await?;
    print!("{report}");
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the checker says of stores, be they on a server or in the data directory.
pub(super) async fn check(database: &DatabaseSettings, data: &Path, scope: Scope) -> Result<Report, CommandError> {
    let report = if database.on_a_server() {
        // The questions are asked where all stores can be read side by side: over copies, a snapshot of each.
        let copies = tempfile::tempdir().map_err(CommandError::other)?;
        copy(database, copies.path()).await?;
        bojagi_verify::check(copies.path(), scope)
    } else {
        bojagi_verify::check(data, scope)
    };
    report.map_err(CommandError::other)
}

async fn copy(database: &DatabaseSettings, folder: &Path) -> Result<(), CommandError> {
    for (context, _) in CONTEXTS {
        if let Database::Postgres(server) = database.of(context, folder).map_err(StartError::from)? {
            let path = folder.join(format!("{context}.sqlite"));
            copy_to_file(&server, &path).await.map_err(|error| StartError::Store(context, error))?;
        }
    }
    Ok(())
}
