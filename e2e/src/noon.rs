//! A clock for tests that count what a day has closed.

use std::time::Duration;

use bojagi_kernel::{Clock, Moment, SystemClock};

const HOUR_MICROS: i64 = 3_600_000_000;
const DAY_MICROS: i64 = 24 * HOUR_MICROS;
/// Noon in Seoul, in UTC.
const NOON_MICROS: i64 = 3 * HOUR_MICROS;

/// Goes like the clock of the machine, from the last noon in Seoul on: a shop closes its day by itself at four in the morning, and so
/// not while a test counts statements.
#[derive(Debug, Clone, Copy)]
pub struct SinceNoon {
    behind: Duration,
}

impl SinceNoon {
    /// It is noon.
    #[must_use]
    pub fn begin() -> Self {
        let since_noon = (SystemClock.now().micros() - NOON_MICROS).rem_euclid(DAY_MICROS);
        Self { behind: Duration::from_micros(since_noon.unsigned_abs()) }
    }
}

impl Clock for SinceNoon {
    fn now(&self) -> Moment {
        SystemClock.now() - self.behind
    }
}
