//! `bojagi admin grant ADDRESS`: makes an account an admin.

use std::path::PathBuf;
use std::process::ExitCode;

use bojagi::{DataFolder, MeshSettings, StartError};
use bojagi_kernel::SystemClock;
use bojagi_store::{Options, Store};
use clap::{Args, Subcommand};

use super::CommandError;

/// What to do about admins.
#[derive(Debug, Args)]
pub(crate) struct Admin {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes the account with this address an admin. When the stores are files, the mesh must not be
    /// running on them.
    Grant {
        /// The address that the account was signed up with.
        email: String,
        /// The data directory.
        #[arg(long, value_name = "DIR", default_value = "./data")]
        data: PathBuf,
        /// A settings file; what it does not name keeps its default.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub(super) async fn run(admin: Admin) -> Result<ExitCode, CommandError> {
    let Action::Grant { email, data, config } = admin.action;
    let settings = MeshSettings::load(config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    // Files belong to one process at a time; a server does not mind.
    let taken = (!settings.database.on_a_server()).then(|| DataFolder::take(&data));
    let _taken = taken.transpose().map_err(CommandError::other)?;
    let options = Options::on(settings.database.of(bojagi_user::NAME, &data).map_err(StartError::from)?);
    let store = Store::open(&options, bojagi_user::MIGRATIONS, &SystemClock).await.map_err(CommandError::other)?;
    bojagi_user::grant_admin(&store, &SystemClock, &email).await.map_err(CommandError::other)?;
    println!("{email} is an admin; sign in again to use it");
    Ok(ExitCode::SUCCESS)
}
