//! TLS: on the listener, and to upstreams.
//!
//! Files are read when a gateway is put together. A changed certificate is therefore taken up like any other change of the configuration: it
//! holds for connections that come after it, and a pair that does not fit together changes nothing.

mod connector;
mod upstream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bojagi_tls::{PemPair, provider};
use rustls::ServerConfig;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

use crate::config_errors::ConfigMistake;

pub use upstream::{UpstreamTls, UpstreamTlsConfig};

/// TLS on the listener; without a certificate there is none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerTlsConfig {
    /// The certificate with its chain, in PEM; empty for no TLS.
    pub certificate: PathBuf,
    /// The private key of the certificate, in PEM.
    pub key: PathBuf,
}

impl ListenerTlsConfig {
    /// Every mistake that can be seen without reading the files.
    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        incomplete_pair("tls", &self.certificate, &self.key).into_iter().collect()
    }

    /// The files that are named, which may change.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.certificate, &self.key].into_iter().filter(|path| is_given(path))
    }

    /// Whether the listener speaks TLS.
    #[must_use]
    pub fn is_on(&self) -> bool {
        is_given(&self.certificate)
    }

    /// What speaks TLS to clients, or nothing where no certificate is given.
    ///
    /// # Errors
    /// When a file cannot be read, or certificate and key do not belong together.
    pub(crate) fn acceptor(&self) -> Result<Option<TlsAcceptor>, ConfigMistake> {
        if !is_given(&self.certificate) || !is_given(&self.key) {
            return Ok(None);
        }
        let pair = PemPair::read(&self.certificate, &self.key).map_err(|problem| ConfigMistake::new("tls", problem))?;
        let refused =
            |error: rustls::Error| ConfigMistake::new("tls", format!("{}: {error}", self.certificate.display()));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_single_cert(pair.chain, pair.key)
            .map_err(refused)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }
}

fn is_given(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

fn incomplete_pair(option: &str, certificate: &Path, key: &Path) -> Option<ConfigMistake> {
    let problem = "certificate and key must be given together";
    (is_given(certificate) != is_given(key)).then(|| ConfigMistake::new(option, problem))
}
