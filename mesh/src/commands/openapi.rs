//! `bojagi openapi`: the description of the API for callers with JSON.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bojagi::{MeshSettings, StartError};
use clap::Args;

use super::CommandError;

/// Which settings hold.
#[derive(Debug, Args)]
pub(crate) struct OpenApi {
    /// A settings file; what it does not name keeps its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(openapi: &OpenApi) -> Result<ExitCode, CommandError> {
    let settings = MeshSettings::load(openapi.config.as_deref(), std::env::vars()).map_err(StartError::from)?;
    let document = bojagi::openapi(settings.gateway)?;
    let readable: serde_json::Value = serde_json::from_slice(&document).map_err(CommandError::other)?;
    writeln!(std::io::stdout(), "{readable:#}").map_err(CommandError::other)?;
    Ok(ExitCode::SUCCESS)
}
