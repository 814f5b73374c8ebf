//! A member of a group: receives records, has them applied, and tells the broker how far it has come.
//!
//! One task does everything: it takes records from the one queue of the client (a queue for each partition can stall, see
//! rust-rdkafka's pull request 840) and lays them into lanes, one a partition; each lane has one unit of work at a time.
//! An offset is committed after the unit that handled it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bojagi_kernel::Failure;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, TopicPartitionList};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::aside::Aside;
use super::lanes::{Lanes, Work};
use super::listener::{Change, Listener, Place};
use super::record::{self, Record};
use super::topics::TopicError;
use super::watchdog::Watchdog;
use crate::{Consumer, watch};

/// How often offsets are committed, if anything was handled.
const COMMIT: Duration = Duration::from_millis(200);
/// The pause before a unit of work that could not be done is tried again, and before a client is made anew.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a client is given up and made anew.
#[derive(Debug, thiserror::Error)]
enum GivenUp {
    #[error("{0}")]
    Topic(#[from] TopicError),
    #[error("{0}")]
    Kafka(#[from] KafkaError),
    #[error("{}[{}] stands still although there is more", .0.0, .0.1)]
    StandsStill(Place),
}

/// Listens until `stop` is cancelled.
pub(super) async fn run(
    shared: Arc<Shared>,
    consumer: Consumer,
    topics: &'static [&'static str],
    stop: CancellationToken,
) {
    let mut watchdog = Watchdog::default();
    let listening = async {
        while !stop.is_cancelled() {
            if let Err(reason) = listen(&shared, &consumer, topics, &mut watchdog, &stop).await {
                tracing::error!(group = consumer.hears().group(), %reason, "listening is interrupted");
                tokio::select! { () = stop.cancelled() => {}, () = sleep(PAUSE) => {} }
            }
        }
    };
    tokio::join!(listening, consumer.keep_up(&stop));
}

async fn listen(
    shared: &Shared,
    consumer: &Consumer,
    topics: &[&'static str],
    watchdog: &mut Watchdog,
    stop: &CancellationToken,
) -> Result<(), GivenUp> {
    watchdog.begin_anew();
    let names: Vec<_> = topics.iter().map(|topic| shared.name(topic)).collect();
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        ready = shared.topics.ensure(&names, &shared.config) => ready?,
    }
    let config = shared.config.consumer(consumer.hears().group());
    let client = StreamConsumer::from_config_and_context(&config, Listener::default())?;
    let client = Aside::new(client, "kafka-leave", leave);
    client.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut member = Member { shared, consumer, client, lanes: Lanes::default(), watchdog };
    let end = member.listen(stop).await;
    member.client.end().await;
    end
}

/// Tells the broker how far it has come, and leaves the group.
fn leave(client: StreamConsumer<Listener>) {
    if let Some(offsets) = client.context().to_commit()
        && let Err(error) = client.commit(&offsets, CommitMode::Sync)
    {
        client.context().complain("committing offsets at the end", &error);
    }
    client.context().leave();
    drop(client);
}

struct Member<'a> {
    shared: &'a Shared,
    consumer: &'a Consumer,
    client: Aside<StreamConsumer<Listener>>,
    lanes: Lanes,
    watchdog: &'a mut Watchdog,
}

impl Member<'_> {
    async fn listen(&mut self, stop: &CancellationToken) -> Result<(), GivenUp> {
        let consumer = self.consumer;
        let mut works = FuturesUnordered::new();
        let mut look = interval(COMMIT);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let place = tokio::select! {
                () = stop.cancelled() => break,
                Some(work) = works.next(), if !works.is_empty() => {
                    let work: Work = work;
                    self.finished(&work);
                    work.place
                }
                _ = look.tick() => {
                    self.follow_changes();
                    self.commit();
                    self.look_for_standstill()?;
                    continue;
                }
                received = self.client.recv() => match received {
                    Ok(message) => {
                        let (place, offset, record) = self.read(&message);
                        drop(message);
                        self.arrived(&place, offset, record)?;
                        place
                    }
                    Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
                    Err(error) => {
                        self.client.context().complain("receiving", &error);
                        continue;
                    }
                },
            };
            if let Some(work) = self.lanes.next_work(&place) {
                works.push(apply(consumer, work, stop));
            }
            if self.lanes.has_room_again(&place) {
                self.client.resume(&alone(&place))?;
            }
        }
        // What has begun is finished.
        while let Some(work) = works.next().await {
            self.finished(&work);
        }
        Ok(())
    }

    fn read(&self, message: &BorrowedMessage<'_>) -> (Place, i64, Record) {
        let topic = self.shared.topic(message.topic());
        let record = record::read(message, topic, |kind| self.consumer.hears().cares_for(kind));
        ((message.topic().to_owned(), message.partition()), message.offset(), record)
    }

    /// Lays a record into the lane of its partition, and pauses that when it is full.
    fn arrived(&mut self, place: &Place, offset: i64, record: Record) -> Result<(), KafkaError> {
        self.follow_changes();
        if self.lanes.put(place, offset, record) {
            self.client.pause(&alone(place))?;
        }
        Ok(())
    }

    /// Notes that a part was handled, unless its partition has gone meanwhile: then how far it is is for another to say.
    fn finished(&mut self, work: &Work) {
        self.follow_changes();
        if work.failed {
            return;
        }
        if let Some(next) = self.lanes.done(work) {
            self.client.context().handled(&work.place, next);
        }
    }

    fn follow_changes(&mut self) {
        for change in self.client.context().changes() {
            match change {
                Change::Came(places) => places.into_iter().for_each(|place| self.lanes.open(place)),
                Change::Went(places) => places.iter().for_each(|place| self.lanes.close(place)),
            }
        }
    }

    fn commit(&self) {
        let listener = self.client.context();
        if let Some(offsets) = listener.to_commit()
            && let Err(error) = self.client.commit(&offsets, CommitMode::Async)
        {
            listener.complain("committing offsets", &error);
        }
    }

    fn look_for_standstill(&mut self) -> Result<(), GivenUp> {
        let Some(extents) = self.client.context().extents() else { return Ok(()) };
        let lags = extents.iter().map(|((topic, _), extent)| (self.shared.topic(topic), extent.lag));
        watch::lag_at_brokers(self.consumer.hears().group(), lags);
        match self.watchdog.look(self.lanes.idle(), &extents, Instant::now()) {
            Some(place) => Err(GivenUp::StandsStill(place)),
            None => Ok(()),
        }
    }
}

/// Applies a part of a partition, again and again until it is applied or the partition is another's.
async fn apply(consumer: &Consumer, work: Work, stop: &CancellationToken) -> Work {
    loop {
        let Err(failure) = take_in(consumer, &work).await else { return work };
        tracing::error!(group = consumer.hears().group(), topic = work.place.0, partition = work.place.1, %failure,
            "facts cannot be applied; they are tried again");
        tokio::select! {
            () = stop.cancelled() => return work.given_up(),
            () = work.gone.cancelled() => return work.given_up(),
            () = sleep(PAUSE) => {}
        }
    }
}

async fn take_in(consumer: &Consumer, work: &Work) -> Result<(), Failure> {
    if work.brought.events.is_empty() && work.brought.unreadable.is_empty() {
        return Ok(());
    }
    consumer.take_in(Arc::clone(&work.brought)).await
}

fn alone((topic, partition): &Place) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic, *partition);
    list
}
