//! Settings, as `telemetry.default.toml` documents them.

use std::fmt;
use std::time::Duration;

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
        if self.is_used() && (!self.endpoint.starts_with("http://") || self.endpoint().is_none()) {
            mistakes.push("endpoint: must look like http://127.0.0.1:4317, or be empty".into());
        }
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

    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        let endpoint = Endpoint::from_shared(self.endpoint.clone()).ok()?;
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
}
