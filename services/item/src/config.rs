//! What can be set.

use bojagi_kernel::Currency;
use serde::Deserialize;

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The settings of the item context; `config.default.toml` explains each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The currencies in which items may be priced, as ISO 4217 codes.
    pub currencies: Vec<String>,
    /// Hours after which an order that still holds stock is told and logged.
    pub overdue_after_hours: u32,
    /// Seconds between two looks for such orders.
    pub overdue_check_seconds: u32,
    /// The hour, by the shop's clock, at which it is computed what is popular.
    pub popular_items_hour: i8,
}

impl Config {
    /// Everything that is wrong with the settings, each as `setting: problem`.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.currencies.is_empty() {
            wrong.push("currencies: at least one is needed".to_owned());
        }
        for code in &self.currencies {
            if let Err(error) = Currency::parse(code) {
                wrong.push(format!("currencies: {code:?}: {error}"));
            }
        }
        if self.overdue_after_hours == 0 {
            wrong.push("overdue_after_hours: must be more than 0".to_owned());
        }
        if self.overdue_check_seconds == 0 {
            wrong.push("overdue_check_seconds: must be more than 0".to_owned());
        }
        if !(0..24).contains(&self.popular_items_hour) {
            wrong.push("popular_items_hour: must be 0 to 23".to_owned());
        }
        wrong
    }

    /// The currencies in which items may be priced.
    pub(crate) fn shop_currencies(&self) -> Vec<Currency> {
        self.currencies.iter().filter_map(|code| Currency::parse(code).ok()).collect()
    }
}

impl Default for Config {
    #[expect(clippy::expect_used, reason = "the defaults are part of the program, and a test reads them")]
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("config.default.toml is complete")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete_and_right() {
        assert_eq!(Config::default().check(), Vec::<String>::new());
        assert_eq!(Config::default().shop_currencies(), [Currency::KRW]);
    }

    #[test]
    fn every_mistake_is_named() {
        let config = Config {
            currencies: vec!["won".into()],
            overdue_after_hours: 0,
            overdue_check_seconds: 0,
            popular_items_hour: 24,
        };
        assert_eq!(config.check().len(), 4);
    }
}
