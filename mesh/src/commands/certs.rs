//! `bojagi certs`: certificates for trying a mesh of several processes.

use std::path::PathBuf;
use std::process::ExitCode;

use bojagi::make_certificates;
use clap::Args;

use super::CommandError;

/// Where the certificates go, and what they name.
#[derive(Debug, Args)]
pub(crate) struct Certs {
    /// The directory for them; nothing that is there already is overwritten.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A host on which services run, besides this one; may be given several times. The mesh checks the name of the service and
    /// needs none of them: they are for other clients, such as grpcurl, of a process that runs one service.
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// What the URIs in the certificates begin with, as in [serve.identity].
    #[arg(long, value_name = "DOMAIN", default_value = "bojagi")]
    trust_domain: String,
}

pub(super) fn run(certs: &Certs) -> Result<ExitCode, CommandError> {
    let files = make_certificates(&certs.out, &certs.trust_domain, &certs.names).map_err(CommandError::other)?;
    println!("{} files are in {}; for trying, not for production", files.len(), certs.out.display());
    println!("\n[serve.identity]");
    println!("certificate = \"{}/{{workload}}.pem\"", certs.out.display());
    println!("key = \"{}/{{workload}}.key\"", certs.out.display());
    println!("ca = \"{}/{}\"", certs.out.display(), bojagi::AUTHORITY);
    Ok(ExitCode::SUCCESS)
}
