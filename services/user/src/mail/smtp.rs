//! Mails over SMTP.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::letter::Letter;
use super::{MailFault, Mailer};
use crate::config::{Encryption, Smtp};

/// The mail server.
pub(crate) struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Server {
    /// The server as configured. It is not connected to yet.
    ///
    /// # Errors
    /// When there is no TLS for the server's name.
    pub(crate) fn new(config: &Smtp) -> Result<Self, Error> {
        let builder = match config.encryption {
            Encryption::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&config.host)?,
            Encryption::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&config.host)?,
            Encryption::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host),
        };
        let timeout = Duration::from_secs(u64::from(config.timeout_seconds));
        let mut builder = builder.port(config.port).timeout(Some(timeout));
        if !config.user.is_empty() {
            builder = builder.credentials(Credentials::new(config.user.clone(), config.password.clone()));
        }
        Ok(Self { transport: builder.build() })
    }
}

impl Mailer for Server {
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), MailFault>> {
        let transport = self.transport.clone();
        async move {
            let envelope = Envelope::new(Some(letter.from.parse()?), vec![letter.to.parse()?])?;
            transport.send_raw(&envelope, letter.message().as_bytes()).await?;
            Ok(())
        }
        .boxed()
    }
}
