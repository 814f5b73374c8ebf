//! `bojagi demo`: the sample shop, in a mesh of several processes.

use std::path::PathBuf;
use std::process::ExitCode;

use bojagi::client::GatewayClient;
use bojagi::demo::{accounts_once_complete, ensure};
use bojagi::{MeshSettings, StartError};
use bojagi_kernel::SystemClock;
use bojagi_store::{Options, Store};
use clap::Args;

use super::{CommandError, up};

/// Where the mesh is.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The gateway, such as http://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    gateway: String,
    /// The directory in which user leaves its mail, unless [user] names another, and in which the accounts are written down.
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
    /// A settings file; it says where the store and the mail of user are.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(demo: Demo) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(demo.config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    if !settings.database.on_a_server() {
        let reason = "the stores are files, which belong to the process that runs on them; `bojagi up` makes the sample shop \
                      by itself";
        return Err(CommandError::Other(reason.into()));
    }
    if let Some(reason) = up::no_mail_to_read(&settings) {
        if let Some(accounts) = accounts_once_complete(&demo.data).map_err(CommandError::other)? {
            up::print_accounts(&accounts);
            return Ok(ExitCode::SUCCESS);
        }
        return Err(CommandError::Other(format!("no sample shop is made: {reason}")));
    }
    std::fs::create_dir_all(&demo.data).map_err(CommandError::other)?;
    let options = Options::on(settings.database.of(bojagi_user::NAME, &demo.data).map_err(StartError::from)?);
    let users = Store::open(&options, bojagi_user::MIGRATIONS, &SystemClock).await.map_err(CommandError::other)?;
    let gateway = GatewayClient::new(&demo.gateway).map_err(CommandError::other)?;
    let grant = async |email: &str| bojagi_user::grant_admin(&users, &SystemClock, email).await.map(drop);
    let mailbox = settings.mailbox(&demo.data);
    let accounts = ensure(&gateway, &demo.data, &mailbox, grant).await.map_err(CommandError::other)?;
    up::print_accounts(&accounts);
    Ok(ExitCode::SUCCESS)
}
