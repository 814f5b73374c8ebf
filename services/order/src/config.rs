//! The settings of order; `config.default.toml` is their documentation.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::RetryPolicy;

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The settings of order. Each is explained in [`DEFAULTS`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// From placing to the last attempt to capture, in seconds.
    pub deadline_seconds: u64,
    /// How long before the caller's deadline a call that waits for others answers, in milliseconds.
    pub answer_margin_milliseconds: u64,
    /// Orders on their way at once.
    pub orders_at_once: usize,
    /// Orders taken over at once, as many parked ones, and as many of either for their refunds alone.
    pub repairs_at_once: usize,
    /// How long one ask may take, in milliseconds.
    pub ask_timeout_milliseconds: u64,
    /// How long a page waits for what another context keeps, in milliseconds.
    pub page_patience_milliseconds: u64,
    /// How long a cart waits for the catalogue, in milliseconds.
    pub compare_timeout_milliseconds: u64,
    /// How long a driver holds an order, in seconds.
    pub lease_seconds: u64,
    /// The pause after the first failed attempt, in milliseconds.
    pub first_pause_milliseconds: u64,
    /// The longest pause between attempts, in milliseconds.
    pub longest_pause_milliseconds: u64,
    /// Failed attempts in a row before parking.
    pub attempts_before_parking: i64,
    /// Refusals in a row before parking.
    pub refusals_before_parking: i64,
    /// The pause between attempts of a parked order that may go on by itself, in seconds.
    pub unresolved_recheck_seconds: u64,
    /// How long releases are waited for before parking, in seconds.
    pub release_overdue_seconds: u64,
    /// The pause between looks for orders that are due, in milliseconds.
    pub sweep_milliseconds: u64,
    /// What this process is called among those on the same store; empty for a new name at each start.
    pub instance: String,
}

impl Default for Config {
    /// The settings of [`DEFAULTS`].
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the text is part of the binary, and a test reads it")]
        toml::from_str(DEFAULTS).expect("the defaults of order are readable")
    }
}

impl Config {
    /// Everything that is wrong with the settings, a sentence each.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut at_least = |name: &str, value: u64, least: u64| {
            if value < least {
                mistakes.push(format!("{name}: must be at least {least}"));
            }
        };
        at_least("deadline_seconds", self.deadline_seconds, 1);
        at_least("orders_at_once", self.orders_at_once as u64, 1);
        at_least("repairs_at_once", self.repairs_at_once as u64, 1);
        at_least("ask_timeout_milliseconds", self.ask_timeout_milliseconds, 1);
        at_least("page_patience_milliseconds", self.page_patience_milliseconds, 1);
        at_least("compare_timeout_milliseconds", self.compare_timeout_milliseconds, 1);
        at_least("first_pause_milliseconds", self.first_pause_milliseconds, 1);
        at_least("longest_pause_milliseconds", self.longest_pause_milliseconds, self.first_pause_milliseconds);
        at_least("attempts_before_parking", self.attempts_before_parking.max(0).unsigned_abs(), 1);
        at_least("refusals_before_parking", self.refusals_before_parking.max(0).unsigned_abs(), 1);
        at_least("unresolved_recheck_seconds", self.unresolved_recheck_seconds, 1);
        at_least("release_overdue_seconds", self.release_overdue_seconds, 1);
        at_least("sweep_milliseconds", self.sweep_milliseconds, 1);
        if self.lease_seconds.saturating_mul(1000) < self.ask_timeout_milliseconds.saturating_mul(3) {
            mistakes.push("lease_seconds: must cover three times ask_timeout_milliseconds".to_owned());
        }
        mistakes
    }

    pub(crate) const fn policy(&self) -> RetryPolicy {
        RetryPolicy {
            deadline: Duration::from_secs(self.deadline_seconds),
            lease: Duration::from_secs(self.lease_seconds),
            first_pause: Duration::from_millis(self.first_pause_milliseconds),
            longest_pause: Duration::from_millis(self.longest_pause_milliseconds),
            attempts: self.attempts_before_parking,
            refusals: self.refusals_before_parking,
            recheck: Duration::from_secs(self.unresolved_recheck_seconds),
            release_overdue: Duration::from_secs(self.release_overdue_seconds),
        }
    }

    pub(crate) const fn ask_timeout(&self) -> Duration {
        Duration::from_millis(self.ask_timeout_milliseconds)
    }

    pub(crate) const fn page_patience(&self) -> Duration {
        Duration::from_millis(self.page_patience_milliseconds)
    }

    pub(crate) const fn compare_timeout(&self) -> Duration {
        Duration::from_millis(self.compare_timeout_milliseconds)
    }

    pub(crate) const fn answer_margin(&self) -> Duration {
        Duration::from_millis(self.answer_margin_milliseconds)
    }

    pub(crate) const fn sweep(&self) -> Duration {
        Duration::from_millis(self.sweep_milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_readable_and_right() {
        assert_eq!(Config::default().check(), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_told() {
        let config = Config { lease_seconds: 1, sweep_milliseconds: 0, orders_at_once: 0, ..Config::default() };
        assert_eq!(config.check().len(), 3);
    }
}
