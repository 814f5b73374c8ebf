//! Notices a consumer that stands still while others go on telling.
//!
//! librdkafka can stop fetching a partition for good, without an error; then only a new client helps.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::listener::Place;

/// How long a partition may stand still while it grows.
const PATIENCE: Duration = Duration::from_secs(30);

/// Watches the partitions of one client.
#[derive(Default)]
pub(super) struct Watchdog(HashMap<Place, Standing>);

struct Standing {
    received: Option<i64>,
    /// The end of the partition when it was found standing.
    end: i64,
    since: Instant,
}

impl Watchdog {
    /// Looks at partitions that wait for the broker alone, with how far each was received, and at the ends that the broker
    /// told. Answers one that has stood still for too long although it has grown since.
    pub(super) fn look<'a>(
        &mut self,
        idle: impl Iterator<Item = (&'a Place, Option<i64>)>,
        ends: &BTreeMap<Place, i64>,
        now: Instant,
    ) -> Option<Place> {
        let mut standing = HashMap::new();
        let mut stuck = None;
        for (place, received) in idle {
            let Some(&end) = ends.get(place).filter(|end| received.is_none_or(|received| received < **end)) else {
                continue;
            };
            let before = self.0.remove(place).filter(|before| before.received == received);
            let found = before.unwrap_or(Standing { received, end, since: now });
            if end > found.end && now.duration_since(found.since) >= PATIENCE {
                stuck = Some(place.clone());
            }
            standing.insert(place.clone(), found);
        }
        self.0 = standing;
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        ("bojagi.order.v1".into(), 0)
    }

    /// What the dog says to (seconds, received, end), one after the other.
    fn says(looks: &[(u64, i64, i64)]) -> Vec<bool> {
        let (mut dog, start, place) = (Watchdog::default(), Instant::now(), place());
        let look = |(second, received, end): &(u64, i64, i64)| {
            let ends = BTreeMap::from([(place.clone(), *end)]);
            dog.look([(&place, Some(*received))].into_iter(), &ends, start + Duration::from_secs(*second)).is_some()
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn standing_still_while_the_lag_grows_is_noticed() {
        assert_eq!(says(&[(0, 5, 6), (29, 5, 9), (30, 5, 9)]), [false, false, true]);
    }

    #[test]
    fn going_on_having_nothing_to_do_and_a_lag_that_does_not_grow_are_fine() {
        assert_eq!(says(&[(0, 5, 6), (40, 6, 9), (60, 7, 12)]), [false; 3], "it goes on");
        assert_eq!(says(&[(0, 5, 5), (40, 5, 5), (80, 5, 5)]), [false; 3], "there is nothing to do");
        assert_eq!(says(&[(0, 5, 6), (40, 5, 6), (80, 5, 6)]), [false; 3], "the end is not a fact but a marker");
        assert_eq!(says(&[(0, 5, 5), (100, 5, 6), (101, 5, 7)]), [false; 3], "it stands only since the second look");
    }
}
