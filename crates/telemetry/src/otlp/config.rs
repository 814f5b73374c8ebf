//! Settings, as `telemetry.default.toml` documents them.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bojagi_tls::{Client, ClientFiles};
use serde::Deserialize;
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::transport::Endpoint;

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// Where traces and metrics go; see the commented defaults.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpConfig {
    /// The gRPC port of a collector; empty for none.
    pub endpoint: String,
    /// The authorities that the collector's certificate may come from; empty for those that the system trusts.
    pub ca_file: PathBuf,
    /// The certificate that the collector is shown, with its chain; empty for none.
    pub certificate_file: PathBuf,
    /// The private key of that certificate.
    pub key_file: PathBuf,
    /// Comes before the names of services.
    pub service_prefix: String,
    /// The name of this process; empty for a random one.
    pub instance: String,
    /// The part of the traces beginning here that is recorded, from 0 to 1.
    pub sampling_ratio: f64,
    /// How long spans are gathered.
    pub gather_milliseconds: u64,
    /// Spans in one message at most.
    pub batch: usize,
    /// Spans that may wait.
    pub queue: usize,
    /// How often metrics are sent; 0 for never.
    pub metrics_seconds: u64,
    /// How long one message may take.
    pub timeout_milliseconds: u64,
    /// How long the last spans may take when the process ends.
    pub flush_milliseconds: u64,
    /// Metadata of each message, as `name=value`.
    pub headers: Vec<String>,
}

impl OtlpConfig {
    /// Everything that is wrong with it.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.is_used() && self.endpoint().is_none() {
            let examples = "http://127.0.0.1:4317 or https://collector.example:4317";
            mistakes.push(format!("endpoint: must look like {examples}, or be empty"));
        }
        mistakes.extend(self.mistake_of_files());
        if !(0.0..=1.0).contains(&self.sampling_ratio) {
            mistakes.push("sampling_ratio: must be between 0.0 and 1.0".into());
        }
        if self.batch == 0 || self.queue == 0 {
            mistakes.push("batch and queue: must be at least 1".into());
        }
        if self.gather_milliseconds == 0 || self.timeout_milliseconds == 0 {
            mistakes.push("gather_milliseconds and timeout_milliseconds: must be at least 1".into());
        }
        // What stands behind the name may be a secret.
        let bad = self.headers.iter().filter(|header| pair(header).is_none());
        mistakes.extend(bad.map(|header| {
            let name = header.split('=').next().unwrap_or_default();
            format!("headers: {name:?} is not of the form name=value")
        }));
        mistakes
    }

    /// Whether anything is exported.
    #[must_use]
    pub fn is_used(&self) -> bool {
        !self.endpoint.is_empty()
    }

    /// What is wrong with the files, as far as they are of use.
    fn mistake_of_files(&self) -> Option<String> {
        let [ca, certificate, key] = [&self.ca_file, &self.certificate_file, &self.key_file];
        let given = [ca, certificate, key].map(|path| !path.as_os_str().is_empty());
        if given[1] != given[2] {
            return Some("certificate_file and key_file: must be given together".into());
        }
        // Who gives them believes that the way is encrypted.
        if given.contains(&true) && self.is_used() && !self.is_encrypted() {
            return Some(
                "ca_file, certificate_file and key_file: are for an endpoint that begins with https://".into(),
            );
        }
        self.tls().err()
    }

    fn is_encrypted(&self) -> bool {
        self.endpoint.starts_with("https://")
    }

    /// How TLS is spoken to the collector, where it is.
    pub(super) fn tls(&self) -> Result<Option<Client>, String> {
        if !self.is_encrypted() {
            return Ok(None);
        }
        let files = ClientFiles { ca: &self.ca_file, certificate: &self.certificate_file, key: &self.key_file };
        Client::read(files).map(Some).map_err(|problem| format!("ca_file, certificate_file and key_file: {problem}"))
    }

    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        let endpoint = Endpoint::from_shared(self.endpoint.clone()).ok()?;
        let named = endpoint.uri().authority().is_some();
        if !named || !(self.is_encrypted() || self.endpoint.starts_with("http://")) {
            return None;
        }
        Some(endpoint.connect_timeout(self.timeout()).timeout(self.timeout()))
    }

    pub(super) fn headers(&self) -> Vec<Header> {
        self.headers.iter().filter_map(|header| pair(header)).collect()
    }

    pub(super) const fn gather(&self) -> Duration {
        Duration::from_millis(self.gather_milliseconds)
    }

    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_milliseconds)
    }

    pub(super) const fn flush(&self) -> Duration {
        Duration::from_millis(self.flush_milliseconds)
    }
}

type Ascii = tonic::metadata::Ascii;
pub(super) type Header = (MetadataKey<Ascii>, MetadataValue<Ascii>);

fn pair(header: &str) -> Option<Header> {
    let (name, value) = header.split_once('=')?;
    let mut value = MetadataValue::try_from(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name.trim().to_ascii_lowercase().parse().ok()?, value))
}

impl fmt::Debug for OtlpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may hold a token.
        f.debug_struct("OtlpConfig").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(over: &str) -> OtlpConfig {
        let mut table: toml::Table = DEFAULTS.parse().unwrap();
        table.extend(over.parse::<toml::Table>().unwrap());
        table.try_into().unwrap()
    }

    #[test]
    fn the_defaults_are_valid_and_export_nothing() {
        let defaults = config("");
        assert_eq!(defaults.check(), Vec::<String>::new());
        assert!(!defaults.is_used());
    }

    #[test]
    fn every_mistake_is_told_and_no_secret() {
        let wrong = config(
            "endpoint = \"collector:4317\"\nsampling_ratio = 1.5\nbatch = 0\ntimeout_milliseconds = 0
             headers = [\"authorization: Bearer secret\"]",
        );
        let mistakes = wrong.check();
        assert_eq!(mistakes.len(), 5, "{mistakes:?}");
        let headers = config("headers = [\"Authorization=Bearer secret\"]");
        assert_eq!(headers.check(), Vec::<String>::new());
        assert_eq!(headers.headers()[0].0, "authorization");
        assert!(!format!("{headers:?} {:?}", headers.headers()).contains("secret"));
    }

    #[test]
    fn the_way_is_encrypted_where_the_endpoint_says_so_and_its_files_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("none.pem");
        std::fs::write(&none, "nothing").unwrap();
        let (https, http) = ("endpoint = \"https://localhost:4317\"", "endpoint = \"http://localhost:4317\"");
        let file = |name: &str| format!("\n{name} = {none:?}");
        for (over, expected) in [
            (format!("{http}{}", file("ca_file")), "are for an endpoint that begins with https://"),
            (format!("{https}{}", file("certificate_file")), "certificate_file and key_file: must be given together"),
            (format!("{https}{}", file("ca_file")), "none.pem: there is no certificate in it"),
            ("endpoint = \"ftp://localhost:4317\"".into(), "endpoint: must look like http://"),
            ("endpoint = \"https://\"".into(), "endpoint: must look like http://"),
        ] {
            let mistakes = config(&over).check();
            assert!(mistakes.len() == 1 && mistakes[0].contains(expected), "{over}: {mistakes:?}");
        }
        // Files wait for an endpoint without harm.
        assert_eq!(config(file("ca_file").trim()).check(), Vec::<String>::new());
    }
}
