//! Mails over SMTP.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters, TlsParametersBuilder};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::letter::Letter;
use super::{MailFault, Mailer};
use crate::config::{Encryption, Smtp};

/// The mail server.
pub(crate) struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

impl Server {
    /// The server as configured. It is not connected to yet.
    ///
    /// # Errors
    /// When there is no TLS for the server's name.
    pub(crate) fn new(config: &Smtp) -> Result<Self, Error> {
        Self::trusting(TlsParameters::builder(config.host.clone()), config)
    }

    fn trusting(authorities: TlsParametersBuilder, config: &Smtp) -> Result<Self, Error> {
        let tls = match config.encryption {
            Encryption::StartTls => Tls::Required(authorities.build()?),
            Encryption::Tls => Tls::Wrapper(authorities.build()?),
            Encryption::None => Tls::None,
        };
        let timeout = Duration::from_secs(u64::from(config.timeout_seconds));
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host);
        let mut builder = builder.port(config.port).tls(tls).timeout(Some(timeout));
        if !config.user.is_empty() {
            builder = builder.credentials(Credentials::new(config.user.clone(), config.password.clone()));
        }
        Ok(Self { transport: builder.build(), timeout })
    }
}

impl Mailer for Server {
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), MailFault>> {
        let (transport, timeout) = (self.transport.clone(), self.timeout);
        async move {
            let envelope = Envelope::new(Some(letter.from.parse()?), vec![letter.to.parse()?])?;
            // The transport bounds its connecting alone: a server that then goes silent would hold up all mail.
            tokio::time::timeout(timeout, transport.send_raw(&envelope, letter.message().as_bytes())).await??;
            Ok(())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
