//! `bojagi verify`: all invariants over the stores of a data directory.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::CommandError;

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The data directory. A running mesh is fine: then only what holds at any moment is checked, unless it is at rest.
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
    /// Check only what holds at any moment, not what compares stores and holds at rest.
    #[arg(long)]
    moving: bool,
}

pub(super) fn run(verify: &Verify) -> Result<ExitCode, CommandError> {
    let scope = if verify.moving { bojagi_verify::Scope::AnyMoment } else { bojagi_verify::Scope::AtRest };
    let report = bojagi_verify::check(&verify.data, scope).map_err(CommandError::other)?;
    print!("{report}");
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
