//! Mails: queued in the unit of what they are about, written and sent by a task of their own.
//!
//! A caller's answer never depends on a mail server, nor on whether the address is known: the queue takes the same row
//! either way, and only the task looks the address up.

pub(crate) mod letter;
pub mod mailbox;
pub(crate) mod post_office;
mod smtp;

use std::path::PathBuf;
use std::sync::Arc;

use bojagi_kernel::Failure;
use futures::future::BoxFuture;

use crate::config::Config;
use letter::Letter;

/// Why a mail did not leave; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailFault {
    #[error("the mailbox folder: {0}")]
    Folder(#[from] std::io::Error),
    #[error("the mail server: {}", without_addresses(.0))]
    Server(#[from] lettre::transport::smtp::Error),
    #[error("the mail server did not take it in time")]
    TimedOut(#[from] tokio::time::error::Elapsed),
    #[error("an address that the mail server cannot take: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("an envelope that the mail server cannot take: {0}")]
    Envelope(#[from] lettre::error::Error),
    #[error("sending stopped: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

/// What a log may hold of an answer of a mail server, which often repeats the address.
fn without_addresses(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("it answered {code}"),
        None if error.is_timeout() => "it did not answer in time".to_owned(),
        None if error.is_tls() => "there is no TLS with it".to_owned(),
        None => "the connection failed".to_owned(),
    }
}

/// How mails leave.
pub(crate) trait Mailer: Send + Sync + 'static {
    /// Sends a letter. Sending the same one again may deliver it twice.
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), MailFault>>;
}

/// The mailer that the configuration asks for.
///
/// # Errors
/// When the mail server's name makes no connection possible, or there is neither a mail server nor a folder.
pub(crate) fn mailer(config: &Config) -> Result<Arc<dyn Mailer>, Failure> {
    if config.smtp.host.is_empty() {
        let folder: PathBuf = config.mailbox_folder.clone();
        if folder.as_os_str().is_empty() {
            return Err(Failure::broken("mails have nowhere to go: there is no mail server and no mailbox folder"));
        }
        return Ok(Arc::new(mailbox::Mailbox::new(folder)));
    }
    let server = smtp::Server::new(&config.smtp)
        .map_err(|error| Failure::broken(format!("the mail server cannot be configured: {error}")))?;
    Ok(Arc::new(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_without_a_server_and_a_folder_are_no_configuration() {
        let in_a_folder = Config { mailbox_folder: "mailbox".into(), ..Config::default() };
        assert!(mailer(&in_a_folder).is_ok());
        assert!(mailer(&Config::default()).is_err());
    }
}
