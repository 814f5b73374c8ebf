//! How far behind telling and hearing are, for those who watch the shop: looked up now and then, and never when somebody
//! asks for the metrics.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use bojagi_kernel::Moment;
use bojagi_store::{Error, Tx, params};
use bojagi_telemetry::metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use tokio_util::sync::CancellationToken;

use crate::kafka::RELAY;
use crate::set_aside::SetAsideState;
use crate::{Consumer, EmbeddedLog, Outbox, position};

/// How often it is looked up.
const PAUSE: Duration = Duration::from_secs(5);
/// Facts are counted up to here; it costs time to count more, and makes no difference to whoever is woken.
const COUNTED: i64 = 100_000;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfTopic {
    topic: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfFollower {
    group: &'static str,
    topic: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfState {
    group: &'static str,
    state: &'static str,
}

#[derive(Default)]
struct Families {
    unpublished: Family<OfTopic, Gauge>,
    unpublished_seconds: Family<OfTopic, Gauge>,
    lag: Family<OfFollower, Gauge>,
    lag_seconds: Family<OfFollower, Gauge>,
    set_aside: Family<OfState, Gauge>,
}

static FAMILIES: LazyLock<Families> = LazyLock::new(|| {
    let families = Families::default();
    metrics::add(|registry| {
        let outbox = registry.sub_registry_with_prefix("bojagi_outbox");
        outbox.register("unpublished", "Facts that no broker has yet", families.unpublished.clone());
        let help = "How long ago the first fact was told that no broker has yet";
        outbox.register_with_unit("age", help, Unit::Seconds, families.unpublished_seconds.clone());
        let events = registry.sub_registry_with_prefix("bojagi_events");
        let help = "Facts that a group has not heard yet; over Kafka, of the partitions of this process";
        events.register("lag", help, families.lag.clone());
        let help = "How long ago the first fact was told that a group has not heard yet; not known over Kafka";
        events.register_with_unit("lag", help, Unit::Seconds, families.lag_seconds.clone());
        let help = "Facts whose reaction failed, by whether they are tried again by themselves or wait for an operator";
        events.register("set_aside", help, families.set_aside.clone());
    });
    families
});

/// The facts that wait, and since when the first of them does.
struct Waiting {
    facts: i64,
    since: Option<Moment>,
}

impl Waiting {
    /// Facts after `position` of an outbox, of these types (an SQL list) or of all.
    async fn after(tx: &mut Tx, position: i64, types: Option<&str>) -> Result<Self, Error> {
        let chosen = types.map_or_else(|| "TRUE".to_owned(), |types| format!("event_type IN ({types})"));
        let (facts, since) = tx
            .fetch_one(
                &format!(
                    "SELECT count(*), min(told_at) FROM
                        (SELECT told_at FROM outbox WHERE position > ?1 AND {chosen} ORDER BY position LIMIT ?2) w"
                ),
                params![position, COUNTED],
            )
            .await?;
        Ok(Self { facts, since })
    }

    fn age(&self, now: Moment) -> i64 {
        self.since.map_or(0, |since| i64::try_from(now.since(since).as_secs()).unwrap_or(i64::MAX))
    }
}

/// Nothing is published here: the outbox is the log.
pub(crate) fn nothing_to_publish(topic: &'static str) {
    show_unpublished(topic, &Waiting { facts: 0, since: None }, Moment::from_micros(0));
}

/// Watches what waits in an outbox to be published, until `stop` is cancelled.
pub(crate) async fn outbox(outbox: &Outbox, stop: &CancellationToken) {
    loop {
        note(look_at_outbox(outbox).await);
        if has_ended(stop).await {
            return;
        }
    }
}

async fn look_at_outbox(outbox: &Outbox) -> Result<(), Error> {
    let topic = outbox.topic;
    let waiting = outbox
        .store
        .read(async move |tx: &mut Tx| {
            let published = position(tx, RELAY, topic).await?;
            Waiting::after(tx, published, None).await
        })
        .await?;
    show_unpublished(topic, &waiting, outbox.clock.now());
    Ok(())
}

fn show_unpublished(topic: &'static str, waiting: &Waiting, now: Moment) {
    let labels = OfTopic { topic };
    FAMILIES.unpublished.get_or_create(&labels).set(waiting.facts);
    FAMILIES.unpublished_seconds.get_or_create(&labels).set(waiting.age(now));
}

/// Watches how far a group is behind the logs that it follows, until `stop` is cancelled.
pub(crate) async fn lag_in_logs(consumer: &Consumer, logs: &[EmbeddedLog], stop: &CancellationToken) {
    loop {
        for log in logs {
            note(look_at_log(consumer, log).await);
        }
        if has_ended(stop).await {
            return;
        }
    }
}

async fn look_at_log(consumer: &Consumer, log: &EmbeddedLog) -> Result<(), Error> {
    let (group, types, topic) = (consumer.hears().group(), consumer.types(), log.topic());
    let heard = consumer.store().read(async move |tx: &mut Tx| position(tx, group, topic).await).await?;
    let waiting = log.store().read(async move |tx: &mut Tx| Waiting::after(tx, heard, Some(types)).await).await?;
    let labels = OfFollower { group, topic: topic.to_owned() };
    FAMILIES.lag.get_or_create(&labels).set(waiting.facts);
    FAMILIES.lag_seconds.get_or_create(&labels).set(waiting.age(consumer.now()));
    Ok(())
}

/// Notes how far a group is behind at its brokers, partition by partition.
pub(crate) fn lag_at_brokers<'a>(group: &'static str, partitions: impl Iterator<Item = (&'a str, i64)>) {
    let mut topics = BTreeMap::<&str, i64>::new();
    for (topic, lag) in partitions {
        *topics.entry(topic).or_default() += lag;
    }
    for (topic, lag) in topics {
        FAMILIES.lag.get_or_create(&OfFollower { group, topic: topic.to_owned() }).set(lag);
    }
}

/// Watches what a group has set aside, until `stop` is cancelled.
pub(crate) async fn set_aside(consumer: &Consumer, stop: &CancellationToken) {
    loop {
        note(look_at_set_aside(consumer).await);
        if has_ended(stop).await {
            return;
        }
    }
}

async fn look_at_set_aside(consumer: &Consumer) -> Result<(), Error> {
    let group = consumer.hears().group();
    let counted: Vec<(SetAsideState, i64)> = consumer
        .store()
        .read(async move |tx: &mut Tx| {
            let sql = "SELECT state, count(*) FROM set_aside WHERE consumer = ?1 GROUP BY state";
            tx.fetch_all(sql, params![group]).await
        })
        .await?;
    for (state, name) in [(SetAsideState::Retrying, "retrying"), (SetAsideState::Parked, "parked")] {
        let facts = counted.iter().find_map(|(counted, facts)| (*counted == state).then_some(*facts));
        FAMILIES.set_aside.get_or_create(&OfState { group, state: name }).set(facts.unwrap_or(0));
    }
    Ok(())
}

/// A look that fails leaves what was seen before.
fn note(looked: Result<(), Error>) {
    if let Err(error) = looked {
        tracing::debug!(%error, "it could not be looked up how far behind telling and hearing are");
    }
}

/// Waits until it is time for the next look; true when there will be none.
async fn has_ended(stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(PAUSE) => false,
    }
}
