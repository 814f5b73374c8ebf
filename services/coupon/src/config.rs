//! What can be set.

use std::time::Duration;

use serde::Deserialize;

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The section `coupon`; each setting is explained in [`DEFAULTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Config {
    /// Milliseconds between two looks for pieces whose time has passed.
    pub expiry_interval_ms: u64,
    /// Pieces that become EXPIRED in one unit of work at most.
    pub expiry_batch: i64,
}

impl Config {
    /// Everything that is wrong with it.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.expiry_interval_ms == 0 {
            mistakes.push("expiry_interval_ms: must be more than 0".to_owned());
        }
        if !(1..=10_000).contains(&self.expiry_batch) {
            mistakes.push("expiry_batch: must be 1 to 10000".to_owned());
        }
        mistakes
    }

    pub(crate) const fn expiry_interval(&self) -> Duration {
        Duration::from_millis(self.expiry_interval_ms)
    }
}

impl Default for Config {
    #[expect(clippy::expect_used, reason = "the file is compiled in, and a test reads it")]
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("the defaults of coupon are readable")
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
        let config = Config { expiry_interval_ms: 0, expiry_batch: 0 };
        assert_eq!(config.check().len(), 2);
    }
}
