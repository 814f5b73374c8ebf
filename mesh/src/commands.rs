//! The command line.

mod admin;
mod certs;
mod demo;
mod gateway;
mod mail;
mod migrate;
mod openapi;
mod operators;
mod reasons;
mod serve;
mod shop;
mod stop_signals;
mod telemetry;
mod tour;
mod up;
mod verify;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use bojagi::StartError;
use bojagi_gateway::StandaloneError;
use clap::{Args, Parser, Subcommand};

/// A commerce back end: six gRPC services and a gRPC-Web gateway.
#[derive(Debug, Parser)]
#[command(name = "bojagi", version, about)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: Up,
}

/// Where the mesh keeps its data and listens.
#[derive(Debug, Clone, Args)]
pub(crate) struct Up {
    /// The data directory; one SQLite file a service, unless [database] names a server.
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
    /// Where the gateway listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A settings file; what it does not name keeps its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Start with an empty shop instead of a sample catalogue.
    #[arg(long)]
    no_demo: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything in this process (the same as no command).
    Up(Up),
    /// Run some of the services in this process; the others run elsewhere, called over mutual TLS.
    Serve(serve::Serve),
    /// Put the gateway alone in front of any gRPC services, or (--shop) in front of those of the shop.
    Gateway(gateway::GatewayFlags),
    /// Make certificates for trying a mesh of several processes.
    Certs(certs::Certs),
    /// Make the sample shop in a mesh of several processes.
    Demo(demo::Demo),
    /// Bring the schemas of all stores up to date, and end.
    Migrate(migrate::Migrate),
    /// Walk through a customer's day and check every answer.
    Tour(tour::Tour),
    /// Check all invariants over the stores, with a reader of its own.
    Verify(verify::Verify),
    /// Print the mail that was sent into the mailbox folder.
    Mail(mail::Mail),
    /// Manage admins.
    Admin(admin::Admin),
    /// Print the description of the API for callers with JSON, as an OpenAPI document.
    Openapi(openapi::OpenApi),
    /// Print the table of all reasons for which calls are refused, as Markdown.
    Reasons,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The mesh did not start.
    #[error("{0}")]
    Start(#[from] StartError),
    /// The gateway did not start.
    #[error("{0}")]
    Gateway(#[from] StandaloneError),
    /// Anything else, in a sentence.
    #[error("{0}")]
    Other(String),
}

impl CommandError {
    pub(crate) fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }

    /// 64 for mistakes in the settings (`EX_USAGE` of sysexits.h), else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Start(StartError::Settings(_) | StartError::Gateway(_))
            | Self::Gateway(StandaloneError::Config(_)) => ExitCode::from(64),
            Self::Start(_) | Self::Gateway(_) | Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

impl CommandLine {
    pub(crate) async fn run(self) -> Result<ExitCode, CommandError> {
        match self.command {
            None => up::run(self.up).await,
            Some(Command::Up(up)) => up::run(up).await,
            Some(Command::Serve(serve)) => serve::run(serve).await,
            Some(Command::Gateway(flags)) => gateway::run(flags).await,
            Some(Command::Certs(certs)) => certs::run(&certs),
            Some(Command::Demo(demo)) => demo::run(demo).await,
            Some(Command::Migrate(migrate)) => migrate::run(migrate).await,
            Some(Command::Tour(tour)) => tour::run(tour).await,
            Some(Command::Verify(verify)) => verify::run(verify).await,
            Some(Command::Mail(mail)) => mail::run(&mail),
            Some(Command::Admin(admin)) => admin::run(admin).await,
            Some(Command::Openapi(openapi)) => openapi::run(&openapi),
            Some(Command::Reasons) => Ok(reasons::run()),
        }
    }
}
