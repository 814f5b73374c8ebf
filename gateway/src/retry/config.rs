//! What can be configured about further attempts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tower::retry::budget::TpsBudget;

use crate::config::must_be_positive;
use crate::config_errors::ConfigMistake;

/// For how long calls add to the budget.
const BUDGET_REMEMBERS: Duration = Duration::from_secs(10);
/// The budget counts in fractions of calls up to this percentage.
const GREATEST_PERCENT: u16 = 1000;
/// More would be no budget.
const GREATEST_PER_SECOND: u32 = 1_000_000;

/// When and how often calls are sent once more; see `[retries]` in `config.default.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RetryConfig {
    /// Attempts of a call, the first one included.
    pub attempts: u32,
    /// Milliseconds of the longest first pause; every further one may be twice as long.
    pub first_ms: u64,
    /// Milliseconds of the longest pause.
    pub longest_ms: u64,
    /// Further attempts as a percentage of all calls of the last ten seconds.
    pub budget_percent: u16,
    /// Further attempts per second that are allowed in any case.
    pub budget_least_per_second: u32,
    /// Bytes of a request that are kept for further attempts.
    pub keep_bytes: usize,
    /// Milliseconds for which the headers of a stream wait for its first message.
    pub hold_ms: u64,
}

impl RetryConfig {
    /// Every mistake; `option` is where it stands in the configuration.
    #[must_use]
    pub fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        let named = |name: &str| format!("{option}.{name}");
        let mut mistakes = must_be_positive(&[(&named("attempts"), u64::from(self.attempts))]);
        if self.longest_ms < self.first_ms {
            let problem = format!("must not be less than {option}.first_ms");
            mistakes.push(ConfigMistake::new(named("longest_ms"), problem));
        }
        if self.budget_least_per_second > GREATEST_PER_SECOND {
            let problem = format!("must be at most {GREATEST_PER_SECOND}");
            mistakes.push(ConfigMistake::new(named("budget_least_per_second"), problem));
        }
        if self.budget_percent > GREATEST_PERCENT {
            mistakes.push(ConfigMistake::new(named("budget_percent"), format!("must be at most {GREATEST_PERCENT}")));
        }
        mistakes
    }
}

/// The configuration, and the budget that the calls of a route share.
pub(crate) struct RetryRules {
    pub(crate) config: RetryConfig,
    pub(crate) budget: TpsBudget,
}

impl RetryRules {
    pub(crate) fn new(config: RetryConfig) -> Self {
        let share = f32::from(config.budget_percent.min(GREATEST_PERCENT)) / 100.0;
        let least_per_second = config.budget_least_per_second.min(GREATEST_PER_SECOND);
        Self { config, budget: TpsBudget::new(BUDGET_REMEMBERS, least_per_second, share) }
    }
}
