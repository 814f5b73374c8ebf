//! Settings.

use std::net::SocketAddr;
use std::time::Duration;

use bojagi_kernel::Currency;
use serde::Deserialize;

use crate::provider::{ANSWERS_PER_ASK, HttpProvider, Secret};

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Bytes of a webhook secret at least.
const SECRET_LENGTH: usize = 16;

/// Which provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// The simulator inside this process.
    Simulator,
    /// One on the network.
    Http,
}

/// The settings of the context, as `config.default.toml` explains them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The shop's currency.
    pub currency: String,
    /// Which provider is asked.
    pub provider: ProviderKind,
    /// Where it is.
    pub provider_url: String,
    /// What it signs its webhooks with.
    pub provider_webhook_secret: Secret,
    /// How long one answer is waited for, in milliseconds.
    pub provider_timeout_ms: u64,
    /// Where to listen for webhooks; empty for nowhere.
    pub webhook_listen: String,
    /// After how long the provider is asked again, in milliseconds.
    pub recover_after_ms: u64,
    /// How often it is looked for what to ask again, in milliseconds.
    pub recover_every_ms: u64,
    /// How long the simulator's `tok_slow` takes, in milliseconds.
    pub simulator_slow_ms: u64,
}

impl Default for Config {
    #[expect(clippy::expect_used, reason = "the text is part of this crate, and a test reads it")]
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("the defaults are settings")
    }
}

impl Config {
    /// Everything that is wrong with the settings.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut expect = |right: bool, mistake: &str| {
            if !right {
                wrong.push(mistake.to_owned());
            }
        };
        let secret = self.provider_webhook_secret.len();
        expect(Currency::parse(&self.currency).is_ok(), "currency: must be three capital letters");
        expect(self.provider_timeout_ms > 0, "provider_timeout_ms: must be more than 0");
        expect(self.recover_every_ms > 0, "recover_every_ms: must be more than 0");
        expect(
            self.recover_after_ms > self.provider_timeout_ms.saturating_mul(u64::from(ANSWERS_PER_ASK)),
            "recover_after_ms: must be more than three times provider_timeout_ms",
        );
        expect(
            self.webhook_listen().is_ok(),
            "webhook_listen: must be empty or an address and a port, such as 127.0.0.1:8090",
        );
        match self.provider {
            ProviderKind::Simulator => {
                expect(
                    secret == 0 || secret >= SECRET_LENGTH,
                    "provider_webhook_secret: must be empty or at least 16 characters",
                );
                expect(
                    self.simulator_slow_ms < self.provider_timeout_ms,
                    "simulator_slow_ms: must be less than provider_timeout_ms",
                );
            }
            ProviderKind::Http => {
                expect(secret >= SECRET_LENGTH, "provider_webhook_secret: must be at least 16 characters");
                expect(HttpProvider::at(&self.provider_url).is_ok(), "provider_url: must be an http:// URL");
            }
        }
        wrong
    }

    /// Where to listen for webhooks, if anywhere.
    pub(crate) fn webhook_listen(&self) -> Result<Option<SocketAddr>, std::net::AddrParseError> {
        if self.webhook_listen.is_empty() { Ok(None) } else { self.webhook_listen.parse().map(Some) }
    }

    pub(crate) const fn patience(&self) -> Duration {
        Duration::from_millis(self.provider_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_right() {
        assert_eq!(Config::default().check(), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_told() {
        let wrong = Config {
            currency: "won".into(),
            provider: ProviderKind::Http,
            provider_url: "https://provider".into(),
            provider_timeout_ms: 0,
            recover_after_ms: 0,
            recover_every_ms: 0,
            webhook_listen: "here".into(),
            ..Config::default()
        };
        assert_eq!(wrong.check().len(), 7, "{:?}", wrong.check());
        let as_long_as_an_ask = Config { recover_after_ms: 15_000, ..Config::default() };
        assert_eq!(as_long_as_an_ask.check().len(), 1);
        let slow = Config { simulator_slow_ms: 5_000, provider_webhook_secret: "short".into(), ..Config::default() };
        assert_eq!(slow.check().len(), 2);
    }
}
