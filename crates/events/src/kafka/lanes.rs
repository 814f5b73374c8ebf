//! What a member has received and not yet handled, partition by partition.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::listener::Place;
use super::record::Record;
use crate::event::Brought;

/// Facts applied in one unit of work at most; each locks what it is about and perhaps a little more, and a unit can lock so many
/// keys only.
const BATCH: usize = 32;
/// Records that may wait in one partition before it is paused, and how few are left when it goes on.
const FULL: usize = 1_000;
const ROOM: usize = 250;

/// The partitions that a member has.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Place, Lane>,
    opened: u64,
}

struct Lane {
    /// Tells a lane from a former one of the same partition.
    number: u64,
    waiting: VecDeque<(i64, Record)>,
    /// The offset after the last record received; at first it is not known.
    received: Option<i64>,
    busy: bool,
    paused: bool,
    gone: CancellationToken,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

/// Part of a partition, to be handled as one.
pub(super) struct Work {
    pub(super) place: Place,
    pub(super) brought: Arc<Brought>,
    /// Cancelled when the partition is another's.
    pub(super) gone: CancellationToken,
    /// It was given up: nothing of it happened.
    pub(super) failed: bool,
    number: u64,
    /// The offset after its last record.
    next: i64,
}

impl Work {
    /// The part, when nothing of it happened.
    pub(super) fn given_up(self) -> Self {
        Self { failed: true, ..self }
    }
}

impl Lanes {
    /// A partition that this member has from now on.
    pub(super) fn open(&mut self, place: Place) {
        self.opened += 1;
        let lane = Lane {
            number: self.opened,
            waiting: VecDeque::new(),
            received: None,
            busy: false,
            paused: false,
            gone: CancellationToken::new(),
        };
        self.lanes.insert(place, lane);
    }

    /// A partition that is another's from now on: what waits is forgotten, what is being done ends early.
    pub(super) fn close(&mut self, place: &Place) {
        self.lanes.remove(place);
    }

    /// Puts a record behind those of its partition. True when the partition is to be paused.
    pub(super) fn put(&mut self, place: &Place, offset: i64, record: Record) -> bool {
        // What was on its way when its partition went is another's.
        let Some(lane) = self.lanes.get_mut(place) else { return false };
        lane.received = Some(offset + 1);
        lane.waiting.push_back((offset, record));
        let full = lane.waiting.len() >= FULL && !lane.paused;
        lane.paused |= full;
        full
    }

    /// The next part of a partition, if it has any and none of it is being handled.
    pub(super) fn next_work(&mut self, place: &Place) -> Option<Work> {
        let lane = self.lanes.get_mut(place).filter(|lane| !lane.busy)?;
        let mut brought = Brought::default();
        let mut next = None;
        while brought.events.len() + brought.unreadable.len() < BATCH {
            let Some((offset, record)) = lane.waiting.pop_front() else { break };
            next = Some(offset + 1);
            match record {
                Record::Fact(event) => brought.events.push(Arc::new(event)),
                Record::Unreadable(record) => brought.unreadable.push(record),
                Record::OfNoInterest => {}
            }
        }
        let next = next?;
        lane.busy = true;
        let (number, gone) = (lane.number, lane.gone.clone());
        Some(Work { place: place.clone(), brought: Arc::new(brought), gone, failed: false, number, next })
    }

    /// Notes that a part was handled. Answers the offset after it, or nothing when the partition is another's by now.
    pub(super) fn done(&mut self, work: &Work) -> Option<i64> {
        let lane = self.lanes.get_mut(&work.place).filter(|lane| lane.number == work.number)?;
        lane.busy = false;
        Some(work.next)
    }

    /// Whether a paused partition is to go on.
    pub(super) fn has_room_again(&mut self, place: &Place) -> bool {
        let Some(lane) = self.lanes.get_mut(place) else { return false };
        let again = lane.paused && lane.waiting.len() <= ROOM;
        lane.paused &= !again;
        again
    }

    /// How far each partition was received that waits for the broker alone: none of it is paused or being handled.
    pub(super) fn idle(&self) -> impl Iterator<Item = (&Place, Option<i64>)> {
        let idle = |lane: &Lane| !lane.busy && !lane.paused && lane.waiting.is_empty();
        self.lanes.iter().filter(move |(_, lane)| idle(lane)).map(|(place, lane)| (place, lane.received))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        ("bojagi.order.v1".into(), 3)
    }

    fn lanes() -> Lanes {
        let mut lanes = Lanes::default();
        lanes.open(place());
        lanes
    }

    #[test]
    fn one_part_of_a_partition_is_handled_at_a_time() {
        let mut lanes = lanes();
        lanes.put(&place(), 7, Record::OfNoInterest);
        let work = lanes.next_work(&place()).unwrap();
        lanes.put(&place(), 8, Record::OfNoInterest);
        assert!(lanes.next_work(&place()).is_none());
        assert_eq!(lanes.done(&work), Some(8));
        assert!(lanes.next_work(&place()).is_some());
    }

    #[test]
    fn a_full_partition_is_paused_once_and_goes_on_once() {
        let mut lanes = lanes();
        let paused: Vec<_> = (0..1_100).filter(|offset| lanes.put(&place(), *offset, Record::OfNoInterest)).collect();
        assert_eq!(paused, [999]);
        assert!(!lanes.has_room_again(&place()));
        assert_eq!(lanes.next_work(&place()).map(|work| work.next), Some(1_100));
        assert!(lanes.has_room_again(&place()));
        assert!(!lanes.has_room_again(&place()));
    }

    #[test]
    fn what_belonged_to_a_former_lane_counts_for_nothing() {
        let mut lanes = lanes();
        lanes.put(&place(), 7, Record::OfNoInterest);
        let work = lanes.next_work(&place()).unwrap();
        lanes.close(&place());
        assert!(work.gone.is_cancelled());
        assert!(!lanes.put(&place(), 8, Record::OfNoInterest));
        lanes.open(place());
        assert_eq!(lanes.done(&work), None);
    }
}
