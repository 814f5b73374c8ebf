//! TLS to endpoints with `https://`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bojagi_tls::{Client, ClientFiles};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};

use super::{incomplete_pair, is_given};
use crate::config_errors::ConfigMistake;

/// TLS to endpoints with `https://`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamTlsConfig {
    /// Certificates of the authorities that may sign the certificates of endpoints, in PEM; empty for those that the system trusts.
    pub ca: PathBuf,
    /// The name that the certificate of an endpoint must have; empty for the host of its URL.
    pub server_name: String,
    /// A certificate to show to endpoints that ask for one, with its chain, in PEM; empty for none.
    pub certificate: PathBuf,
    /// The private key of that certificate, in PEM.
    pub key: PathBuf,
}

impl UpstreamTlsConfig {
    /// With the authorities of this file, or those that the system trusts where it is empty, and nothing else.
    pub(crate) fn trusting(ca: PathBuf) -> Self {
        Self { ca, server_name: String::new(), certificate: PathBuf::new(), key: PathBuf::new() }
    }

    /// Every mistake that can be seen without reading the files; `option` is where it stands in the configuration.
    pub(crate) fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        let mut mistakes: Vec<_> = incomplete_pair(option, &self.certificate, &self.key).into_iter().collect();
        if !self.server_name.is_empty() && ServerName::try_from(self.server_name.as_str()).is_err() {
            mistakes.push(ConfigMistake::new(format!("{option}.server_name"), "is no name of a server"));
        }
        mistakes
    }

    /// The files that are named, which may change.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.ca, &self.certificate, &self.key].into_iter().filter(|path| is_given(path))
    }
}

/// How TLS to the endpoints of a route is spoken. Two are equal if the same files with the same contents were read for them.
#[derive(Clone)]
pub struct UpstreamTls {
    client: Arc<Client>,
    over_http2: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl UpstreamTls {
    /// Reads the files; `option` is where the section stands in the configuration.
    ///
    /// # Errors
    /// When a file cannot be read, holds nothing of use, or certificate and key do not belong together.
    pub fn read(config: &UpstreamTlsConfig, option: &str) -> Result<Self, ConfigMistake> {
        let refused = |problem: String| ConfigMistake::new(option, problem);
        let files = ClientFiles { ca: &config.ca, certificate: &config.certificate, key: &config.key };
        let client = Client::read(files).map_err(refused)?;
        let server_name = (!config.server_name.is_empty())
            .then(|| ServerName::try_from(config.server_name.clone()))
            .transpose()
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self { over_http2: client.speaking(&[b"h2"]), client: Arc::new(client), server_name })
    }

    /// The same to a server whose certificate must have this name, whatever the host of its URL.
    #[must_use]
    pub fn to_server(&self, name: ServerName<'static>) -> Self {
        Self { server_name: Some(name), ..self.clone() }
    }

    /// The same for HTTP/1.1.
    pub(crate) fn for_http1(&self) -> Arc<ClientConfig> {
        self.client.speaking(&[b"http/1.1"])
    }

    pub(super) fn over_http2(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.over_http2)
    }

    /// The name that the certificate of a host must have.
    pub(super) fn name_of(&self, host: &str) -> io::Result<ServerName<'static>> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(host.to_owned()).map_err(io::Error::other),
        }
    }
}

impl PartialEq for UpstreamTls {
    fn eq(&self, other: &Self) -> bool {
        self.server_name == other.server_name && self.client == other.client
    }
}

impl std::fmt::Debug for UpstreamTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamTls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}
