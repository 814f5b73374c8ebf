//! How often something may be tried.

use std::time::Duration;

use bojagi_kernel::Moment;

/// A token bucket: at first `burst` attempts at once, and one more each time `every` has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) burst: u32,
    pub(crate) every: Duration,
}

/// A bucket's level, kept as the moment at which it is full again. A bucket that was never touched is full at
/// `Level::default()`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Level(i64);

impl Allowance {
    /// Takes one attempt out of the bucket. When it is empty nothing is taken, and the answer is how long to wait.
    pub(crate) fn take(&self, level: &mut Level, now: Moment) -> Result<(), Duration> {
        self.take_within(self.burst, level, now)
    }

    /// The same for a bucket that at present holds only `burst`, however much it holds otherwise.
    pub(crate) fn take_within(&self, burst: u32, level: &mut Level, now: Moment) -> Result<(), Duration> {
        let tolerated = now + self.every.saturating_mul(burst.saturating_sub(1));
        let full_at = Moment::from_micros(level.0).max(now);
        if full_at > tolerated {
            return Err(full_at.since(tolerated));
        }
        level.0 = (full_at + self.every).micros();
        Ok(())
    }

    /// Puts one attempt back.
    pub(crate) fn give_back(&self, level: &mut Level) {
        level.0 = (Moment::from_micros(level.0) - self.every).micros();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Moment = Moment::from_micros(1_000_000_000);
    const THREE_THEN_ONE_A_SECOND: Allowance = Allowance { burst: 3, every: Duration::from_secs(1) };

    #[test]
    fn a_burst_then_one_at_a_time() {
        let mut level = Level::default();
        for _ in 0..3 {
            assert_eq!(THREE_THEN_ONE_A_SECOND.take(&mut level, START), Ok(()));
        }
        assert_eq!(THREE_THEN_ONE_A_SECOND.take(&mut level, START), Err(Duration::from_secs(1)));
        let later = START + Duration::from_millis(1_500);
        assert_eq!(THREE_THEN_ONE_A_SECOND.take(&mut level, later), Ok(()));
        assert_eq!(THREE_THEN_ONE_A_SECOND.take(&mut level, later), Err(Duration::from_millis(500)));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let mut level = Level::default();
        for _ in 0..10 {
            assert_eq!(THREE_THEN_ONE_A_SECOND.take(&mut level, START), Ok(()));
            THREE_THEN_ONE_A_SECOND.give_back(&mut level);
        }
    }

    #[test]
    fn a_narrowed_bucket_lets_only_a_fresh_caller_through() {
        let (mut fresh, mut used) = (Level::default(), Level::default());
        assert_eq!(THREE_THEN_ONE_A_SECOND.take(&mut used, START), Ok(()));
        assert!(THREE_THEN_ONE_A_SECOND.take_within(1, &mut used, START).is_err());
        assert_eq!(THREE_THEN_ONE_A_SECOND.take_within(1, &mut fresh, START), Ok(()));
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_time_brings(steps in prop::collection::vec(0_u64..3_000, 1..200)) {
            let (mut level, mut now, mut taken) = (Level::default(), START, 0_u64);
            for millis in steps {
                now = now + Duration::from_millis(millis);
                taken += u64::from(THREE_THEN_ONE_A_SECOND.take(&mut level, now).is_ok());
                let allowed = 3 + now.since(START).as_secs();
                prop_assert!(taken <= allowed);
            }
        }
    }
}
