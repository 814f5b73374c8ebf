//! What librdkafka tells its clients: log lines, errors, statistics, and which partitions come and go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::sparing::Sparing;
use super::watchdog::Extent;

/// A partition of a topic, as the cluster names it.
pub(super) type Place = (String, i32);

/// Hears one client.
#[derive(Default)]
pub(super) struct Listener {
    sparing: Sparing,
    heard: Mutex<Heard>,
    leaving: AtomicBool,
    /// Whether a change was followed since the member began to leave.
    has_left: AtomicBool,
}

/// What was heard and not yet looked at, and what is told to the broker.
#[derive(Default)]
struct Heard {
    changes: Vec<Change>,
    /// How far each partition goes, from the latest statistics.
    extents: Option<BTreeMap<Place, Extent>>,
    /// The offset after the last record handled.
    handled: BTreeMap<Place, i64>,
    /// Whether `handled` has moved since it was committed.
    uncommitted: bool,
}

/// A change of what a member has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// These came.
    Came(Vec<Place>),
    /// These went.
    Went(Vec<Place>),
}

impl Listener {
    /// Logs a problem that may come many times a second.
    pub(super) fn complain(&self, about: &str, problem: &impl std::fmt::Display) {
        if let Some(held_back) = self.sparing.say(&format!("{about}: {problem}"), Instant::now()) {
            tracing::warn!(about, %problem, held_back, "trouble with Kafka");
        }
    }

    /// The member leaves its group: it follows one more change at most.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether a change is to be followed. What a leaving member answers first is taken for giving up everything, and with that
    /// its part in the group ends; behind that end librdkafka answers nobody, and whoever asks it waits for ever.
    fn follows_changes(&self, consumer: &BaseConsumer<Self>) -> bool {
        if self.leaving.load(Ordering::Relaxed) && self.has_left.swap(true, Ordering::Relaxed) {
            return false;
        }
        !consumer.closed()
    }

    /// What came and went since it was asked last, in order.
    pub(super) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.heard.lock().changes)
    }

    /// How far the partitions go, once for each time that it was told.
    pub(super) fn extents(&self) -> Option<BTreeMap<Place, Extent>> {
        self.heard.lock().extents.take()
    }

    /// Notes that everything before `next` was handled.
    pub(super) fn handled(&self, place: &Place, next: i64) {
        let mut heard = self.heard.lock();
        heard.handled.insert(place.clone(), next);
        heard.uncommitted = true;
    }

    /// Notes that partitions are another's, and commits what was handled of them.
    fn give_up(&self, consumer: &BaseConsumer<Self>, gone: Vec<Place>) {
        let mut heard = self.heard.lock();
        let handled: BTreeMap<_, _> = gone.iter().filter_map(|place| heard.handled.remove_entry(place)).collect();
        heard.changes.push(Change::Went(gone));
        drop(heard);
        // Whoever gets them should not begin too early; if this is lost, the inbox absorbs what comes twice.
        if let Some(list) = offsets(&handled).filter(|_| !consumer.assignment_lost())
            && let Err(error) = consumer.commit(&list, CommitMode::Async)
        {
            self.complain("committing offsets of partitions that go", &error);
        }
    }

    /// What is to be committed, if anything was handled since it was asked last.
    pub(super) fn to_commit(&self) -> Option<TopicPartitionList> {
        let mut heard = self.heard.lock();
        if !std::mem::take(&mut heard.uncommitted) {
            return None;
        }
        offsets(&heard.handled)
    }
}

/// A list of offsets, unless it would be empty.
fn offsets(handled: &BTreeMap<Place, i64>) -> Option<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(handled.len());
    for ((topic, partition), next) in handled {
        // Only an offset that is no number could be refused.
        list.add_partition_offset(topic, *partition, Offset::Offset(*next)).ok()?;
    }
    (list.count() > 0).then_some(list)
}

fn places(list: &TopicPartitionList) -> Vec<Place> {
    list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        // A setting of ours is called experimental, and settings for producers useless to consumers.
        if facility == "CONFWARN" {
            return tracing::debug!(facility, "librdkafka: {line}");
        }
        let Some(held_back) = self.sparing.say(facility, Instant::now()) else { return };
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, held_back, "librdkafka: {line}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(facility, held_back, "librdkafka: {line}")
            }
            RDKafkaLogLevel::Debug => tracing::debug!(facility, held_back, "librdkafka: {line}"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        let mut extents = BTreeMap::new();
        for (topic, known) in statistics.topics {
            for (partition, state) in known.partitions {
                // What is not known, as for partitions of others, is below zero.
                if state.hi_offset >= 0 && state.consumer_lag >= 0 {
                    let extent = Extent { end: state.hi_offset, lag: state.consumer_lag };
                    extents.insert((topic.clone(), partition), extent);
                }
            }
        }
        self.heard.lock().extents = Some(extents);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The reason holds times and counts, by which the same trouble would look new each time.
        if let Some(held_back) = self.sparing.say(&error.to_string(), Instant::now()) {
            tracing::warn!(%error, reason, held_back, "trouble with Kafka");
        }
    }
}

impl ConsumerContext for Listener {
    /// Takes partitions and gives them up. The protocol is cooperative always, so that it need not be asked for: what a member
    /// has changes by what the group says, and all else stays.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, kind: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        if !self.follows_changes(consumer) {
            return;
        }
        let followed = match kind {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let taken = consumer.incremental_assign(partitions);
                self.heard.lock().changes.push(Change::Came(places(partitions)));
                taken
            }
            _ => {
                self.give_up(consumer, places(partitions));
                // A pause outlives the assignment: nobody would end it when the partition comes back.
                if let Err(error) = consumer.resume(partitions) {
                    self.complain("ending pauses of partitions that go", &error);
                }
                consumer.incremental_unassign(partitions)
            }
        };
        if let Err(error) = followed {
            self.complain("sharing partitions", &error);
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            // The next commit says the same again.
            self.heard.lock().uncommitted = true;
            self.complain("committing offsets", &error);
        }
    }
}

#[cfg(test)]
mod tests;
