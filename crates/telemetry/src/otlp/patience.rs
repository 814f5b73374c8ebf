//! How a collector that does not answer is borne with: pauses that grow, and one line in the log.

use std::fmt::Display;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is known of a collector's failures.
#[derive(Debug)]
pub(super) struct Patience {
    what: &'static str,
    failures: u32,
}

impl Patience {
    pub(super) const fn with(what: &'static str) -> Self {
        Self { what, failures: 0 }
    }

    /// It failed; answers how long to leave it alone.
    pub(super) fn after_failure(&mut self, problem: &impl Display) -> Duration {
        if self.failures == 0 {
            tracing::warn!(what = self.what, %problem, "the collector of telemetry does not answer; it is tried again");
        }
        self.failures = self.failures.saturating_add(1);
        FIRST_PAUSE.saturating_mul(1 << (self.failures - 1).min(16)).min(LONGEST_PAUSE)
    }

    /// It answered. `lost` is how much was lost since the process began.
    pub(super) fn after_answer(&mut self, lost: u64) {
        if std::mem::take(&mut self.failures) > 0 {
            tracing::warn!(what = self.what, lost, "the collector of telemetry answers again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound_and_begin_anew() {
        let mut patience = Patience::with("spans");
        let pauses: Vec<_> = (0..40).map(|_| patience.after_failure(&"away")).collect();
        assert_eq!(pauses[..3], [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]);
        assert_eq!(pauses[39], LONGEST_PAUSE);
        patience.after_answer(0);
        assert_eq!(patience.after_failure(&"away"), FIRST_PAUSE);
    }
}
