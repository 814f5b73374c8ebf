//! Notices a consumer that stands still although there is more to receive.
//!
//! librdkafka can stop fetching a partition for good, without an error; then only a new client helps.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::listener::Place;

/// How long a partition may stand still.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watches the partitions of a member, over all clients that it has one after the other.
#[derive(Default)]
pub(super) struct Watchdog {
    standing: HashMap<Place, Standing>,
    /// Where a new client was no help: what is left there is no record but a mark of another's transaction.
    hopeless: HashMap<Place, i64>,
}

struct Standing {
    received: Option<i64>,
    since: Instant,
}

/// How far a partition goes, as its broker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The offset after its last record.
    pub(super) end: i64,
    /// How many of its records were not received.
    pub(super) lag: i64,
}

impl Watchdog {
    /// Looks at partitions that wait for the broker alone, with how far each was received, and at what the brokers told about
    /// them. Answers one that has stood still for too long.
    pub(super) fn look<'a>(
        &mut self,
        idle: impl Iterator<Item = (&'a Place, Option<i64>)>,
        extents: &BTreeMap<Place, Extent>,
        now: Instant,
    ) -> Option<Place> {
        let mut standing = HashMap::new();
        let mut stuck = None;
        for (place, received) in idle {
            let Some(extent) = extents.get(place).filter(|extent| extent.lag > 0) else { continue };
            if self.hopeless.get(place) == Some(&extent.end) {
                continue;
            }
            let before = self.standing.remove(place).filter(|before| before.received == received);
            let found = before.unwrap_or(Standing { received, since: now });
            if now.duration_since(found.since) >= PATIENCE {
                self.hopeless.insert(place.clone(), extent.end);
                stuck = Some(place.clone());
            }
            standing.insert(place.clone(), found);
        }
        self.standing = standing;
        stuck
    }

    /// A new client begins.
    pub(super) fn begin_anew(&mut self) {
        self.standing.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the dog says to (seconds, received, end), one after the other.
    fn says(looks: &[(u64, i64, i64)]) -> Vec<bool> {
        let (mut dog, start, place) = (Watchdog::default(), Instant::now(), ("bojagi.order.v1".into(), 0));
        let look = |(second, received, end): &(u64, i64, i64)| {
            let extents = BTreeMap::from([(place.clone(), Extent { end: *end, lag: end - received })]);
            let found =
                dog.look([(&place, Some(*received))].into_iter(), &extents, start + Duration::from_secs(*second));
            if found.is_some() {
                dog.begin_anew();
            }
            found.is_some()
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn standing_still_is_noticed() {
        assert_eq!(says(&[(0, 5, 6), (9, 5, 6), (10, 5, 6)]), [false, false, true]);
    }

    #[test]
    fn going_on_and_having_nothing_to_do_are_fine() {
        assert_eq!(says(&[(0, 5, 6), (40, 6, 9), (60, 7, 12)]), [false; 3], "it goes on");
        assert_eq!(says(&[(0, 5, 5), (40, 5, 5), (80, 5, 5)]), [false; 3], "there is nothing to do");
        assert_eq!(says(&[(0, 5, 5), (100, 5, 6), (101, 5, 7)]), [false; 3], "it stands only since the second look");
    }

    #[test]
    fn where_a_new_client_is_no_help_it_is_not_tried_again_until_there_is_more() {
        let looks = [(0, 5, 6), (10, 5, 6), (20, 5, 6), (40, 5, 6), (50, 5, 7), (60, 5, 7)];
        assert_eq!(says(&looks), [false, true, false, false, false, true]);
    }
}
