//! What can be set.

use std::fmt;
use std::time::Duration;

use bojagi_kernel::BasisPoints;
use serde::Deserialize;

/// Every option with its default, its unit and its reason.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The shortest secret that is taken.
const SECRET_LENGTH: usize = 32;

/// The settings of settlement.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The commission in basis points until an admin sets another rate.
    pub commission_rate_bps: i32,
    /// The hour of the daily close in the shop's time zone.
    pub close_hour: i8,
    /// Minutes after which a close that is not done is an error.
    pub close_alarm_after_minutes: u32,
    /// What the bank charges for a payout, in minor units.
    pub payout_fee_minor_units: i64,
    /// How long the bank may take to answer, in milliseconds.
    pub bank_timeout_ms: u32,
    /// What the bank signs its events with; empty for a random one.
    pub bank_webhook_secret: String,
    /// How long the simulated bank takes, in milliseconds.
    pub simulated_bank_pays_after_ms: u32,
    /// How much later it sends a payout back, in milliseconds.
    pub simulated_bank_returns_after_ms: u32,
}

impl Config {
    /// Everything that is wrong with the settings.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let wrong = [
            (BasisPoints::new(self.commission_rate_bps).is_err(), "commission_rate_bps: must be 0 to 10,000"),
            (!(0..=23).contains(&self.close_hour), "close_hour: must be 0 to 23"),
            (self.close_alarm_after_minutes == 0, "close_alarm_after_minutes: must be at least 1"),
            (self.payout_fee_minor_units < 0, "payout_fee_minor_units: must not be negative"),
            (self.bank_timeout_ms == 0, "bank_timeout_ms: must be at least 1"),
            (
                !self.bank_webhook_secret.is_empty() && self.bank_webhook_secret.len() < SECRET_LENGTH,
                "bank_webhook_secret: must be empty or have at least 32 characters",
            ),
        ];
        wrong.into_iter().filter(|(wrong, _)| *wrong).map(|(_, why)| why.to_owned()).collect()
    }

    /// The rate until another one is set.
    pub(crate) fn default_rate(&self) -> BasisPoints {
        BasisPoints::new(self.commission_rate_bps).unwrap_or(BasisPoints::ZERO)
    }

    pub(crate) fn bank_timeout(&self) -> Duration {
        Duration::from_millis(self.bank_timeout_ms.into())
    }

    pub(crate) fn close_alarm_after(&self) -> Duration {
        Duration::from_secs(u64::from(self.close_alarm_after_minutes) * 60)
    }
}

impl Default for Config {
    /// The defaults file, read.
    #[expect(clippy::expect_used, reason = "the defaults are part of the program, and a test reads them")]
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("config.default.toml is read by a test")
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("commission_rate_bps", &self.commission_rate_bps)
            .field("close_hour", &self.close_hour)
            .field("close_alarm_after_minutes", &self.close_alarm_after_minutes)
            .field("payout_fee_minor_units", &self.payout_fee_minor_units)
            .field("bank_timeout_ms", &self.bank_timeout_ms)
            .field("bank_webhook_secret", &"…")
            .field("simulated_bank_pays_after_ms", &self.simulated_bank_pays_after_ms)
            .field("simulated_bank_returns_after_ms", &self.simulated_bank_returns_after_ms)
            .finish()
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
    fn all_mistakes_are_told_at_once() {
        let wrong = Config {
            commission_rate_bps: 10_001,
            close_hour: 24,
            close_alarm_after_minutes: 0,
            payout_fee_minor_units: -1,
            bank_timeout_ms: 0,
            bank_webhook_secret: "short".into(),
            ..Config::default()
        };
        assert_eq!(wrong.check().len(), 6);
        assert!(!format!("{wrong:?}").contains("short"));
    }
}
