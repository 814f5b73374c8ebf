//! `bojagi admin grant ADDRESS`: makes an account an admin.

use std::path::PathBuf;
use std::process::ExitCode;

use bojagi::DataFolder;
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
    /// Makes the account with this address an admin. The mesh must not be running on the data directory.
    Grant {
        /// The address that the account was signed up with.
        email: String,
        /// The data directory.
        #[arg(long, value_name = "DIR", default_value = "./data")]
        data: PathBuf,
    },
}

pub(super) async fn run(admin: Admin) -> Result<ExitCode, CommandError> {
    let Action::Grant { email, data } = admin.action;
    let folder = DataFolder::take(&data).map_err(CommandError::other)?;
    let options = Options::at(folder.store(bojagi_user::NAME));
    let store = Store::open(&options, bojagi_user::MIGRATIONS, &SystemClock).await.map_err(CommandError::other)?;
    bojagi_user::grant_admin(&store, &SystemClock, &email).await.map_err(CommandError::other)?;
    println!("{email} is an admin; sign in again to use it");
    Ok(ExitCode::SUCCESS)
}
