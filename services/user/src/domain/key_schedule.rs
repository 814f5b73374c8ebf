//! When signing keys begin, rest and go.
//!
//! A key is made a while before it signs, so that every verifier has its public part by then. It signs until its
//! successor begins; its public part stays until the last token it signed has expired.

use std::time::Duration;

use bojagi_kernel::Moment;

/// The times of the schedule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeySchedule {
    /// How long a key signs.
    pub(crate) signs_for: Duration,
    /// How long before its first signature a key is published.
    pub(crate) published_ahead: Duration,
    /// How long after its last signature a key is needed to verify: the life of a token, and what clocks may differ.
    pub(crate) needed_after: Duration,
}

/// What is due, for keys in the order in which they begin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Due {
    /// Make a key that begins to sign at this moment.
    pub(crate) make: Option<Moment>,
    /// Erase the private parts of the first so many keys.
    pub(crate) rest: usize,
    /// Forget the first so many keys.
    pub(crate) forget: usize,
}

impl KeySchedule {
    /// What is due at `now`, given when each key begins to sign, the earliest first.
    pub(crate) fn due(&self, begins: &[Moment], now: Moment) -> Due {
        let Some(newest) = begins.last() else {
            return Due { make: Some(now), ..Due::default() };
        };
        let successor_begins = (*newest + self.signs_for).max(now + self.published_ahead);
        let make = (now + self.published_ahead >= *newest + self.signs_for).then_some(successor_begins);
        let successors = begins.iter().skip(1);
        // A signature that was begun just before the successor took over may still be under way.
        let rest = successors.clone().filter(|begins| **begins + Duration::from_secs(60) <= now).count();
        let forget = successors.filter(|begins| **begins + self.needed_after <= now).count();
        Due { make, rest, forget }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const SCHEDULE: KeySchedule = KeySchedule {
        signs_for: Duration::from_secs(100 * 3_600),
        published_ahead: HOUR,
        needed_after: Duration::from_secs(1_800),
    };

    fn at(hours: u32) -> Moment {
        Moment::from_micros(0) + HOUR * hours
    }

    #[test]
    fn the_first_key_signs_at_once() {
        assert_eq!(SCHEDULE.due(&[], at(5)), Due { make: Some(at(5)), rest: 0, forget: 0 });
        assert_eq!(SCHEDULE.due(&[at(5)], at(5)), Due::default());
    }

    #[test]
    fn a_successor_is_published_ahead_and_takes_over_on_time() {
        assert_eq!(SCHEDULE.due(&[at(0)], at(98)), Due::default());
        assert_eq!(SCHEDULE.due(&[at(0)], at(99)), Due { make: Some(at(100)), rest: 0, forget: 0 });
        assert_eq!(SCHEDULE.due(&[at(0), at(100)], at(99)), Due::default());
    }

    #[test]
    fn a_key_rests_after_its_successor_began_and_goes_after_its_last_token() {
        let begins = [at(0), at(100)];
        assert_eq!(SCHEDULE.due(&begins, at(100)), Due::default());
        let minute_later = at(100) + Duration::from_secs(60);
        assert_eq!(SCHEDULE.due(&begins, minute_later), Due { make: None, rest: 1, forget: 0 });
        assert_eq!(SCHEDULE.due(&begins, at(101)), Due { make: None, rest: 1, forget: 1 });
    }

    #[test]
    fn after_a_long_sleep_the_successor_is_still_published_ahead() {
        assert_eq!(SCHEDULE.due(&[at(0)], at(500)), Due { make: Some(at(501)), rest: 0, forget: 0 });
    }
}
