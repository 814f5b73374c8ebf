//! TLS: on the listener, and to upstreams.

use std::path::PathBuf;

use serde::Deserialize;

use crate::config_errors::ConfigMistake;

/// TLS on the listener; without a certificate there is none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerTlsConfig {
    /// The certificate with its chain, in PEM; empty for no TLS.
    pub certificate: PathBuf,
    /// The private key of the certificate, in PEM.
    pub key: PathBuf,
}

/// TLS to endpoints with `https://`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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

impl ListenerTlsConfig {
    /// Every mistake that can be seen without reading the files.
    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        incomplete_pair("tls", &self.certificate, &self.key).into_iter().collect()
    }
}

impl UpstreamTlsConfig {
    /// Every mistake that can be seen without reading the files; `option` is where it stands in the configuration.
    pub(crate) fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        incomplete_pair(option, &self.certificate, &self.key).into_iter().collect()
    }
}

fn incomplete_pair(option: &str, certificate: &PathBuf, key: &PathBuf) -> Option<ConfigMistake> {
    let none = PathBuf::new();
    let problem = "certificate and key must be given together";
    ((*certificate == none) != (*key == none)).then(|| ConfigMistake::new(option, problem))
}
