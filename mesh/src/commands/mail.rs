//! `bojagi mail`: the mailbox folder, newest last.

use std::path::PathBuf;
use std::process::ExitCode;

use bojagi::{MeshSettings, StartError};
use clap::Args;

use super::CommandError;

/// Where the mailbox is.
#[derive(Debug, Args)]
pub(crate) struct Mail {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
    /// A settings file; [user] says whether the mailbox is elsewhere.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only mail to this address.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
}

pub(super) fn run(mail: &Mail) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(mail.config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    let letters = bojagi_user::mailbox::read(&settings.mailbox(&mail.data)).map_err(CommandError::other)?;
    let wanted = |to: &str| mail.to.as_deref().is_none_or(|address| address.eq_ignore_ascii_case(to));
    for letter in letters.iter().filter(|letter| wanted(&letter.to)) {
        println!("{}", letter.text.trim_end());
        println!("---");
    }
    Ok(ExitCode::SUCCESS)
}
