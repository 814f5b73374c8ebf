//! The event contract: order per aggregate, one effect, retry, parking, replay, resumption.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bojagi_events::{Consumer, EmbeddedLog, Event, Hears, SetAsideState};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Clock, Failure, ManualClock, Moment};
use bojagi_store::{Error, Migration, Options, Store, Tx, idempotency, params};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const TOPIC: &str = "test.v1";
const PUBLISHER: &[Migration] = &[idempotency::MIGRATION, bojagi_events::MIGRATION];
const HEARER: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    Migration {
        name: "heard-1",
        sql: "CREATE TABLE heard (place INTEGER PRIMARY KEY, aggregate_id UUID NOT NULL, number BIGINT NOT NULL)",
    },
];

/// A fact with a number in it.
#[derive(Clone, PartialEq, prost::Message)]
struct Counted {
    #[prost(int64, tag = "1")]
    number: i64,
}

impl prost::Name for Counted {
    const NAME: &'static str = "Counted";
    const PACKAGE: &'static str = "test.v1";
}

struct Pair {
    folder: TempDir,
    publisher: Store,
    hearer: Store,
    clock: Arc<ManualClock>,
    broken: Arc<AtomicBool>,
}

impl Pair {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(Moment::from_micros(1_000_000_000)));
        let at = |name: &str| Options::at(folder.path().join(name));
        let publisher = Store::open(&at("publisher.sqlite"), PUBLISHER, clock.as_ref()).await.unwrap();
        let hearer = Store::open(&at("hearer.sqlite"), HEARER, clock.as_ref()).await.unwrap();
        Self { folder, publisher, hearer, clock, broken: Arc::default() }
    }

    async fn tell(&self, aggregate: Uuid, number: i64) {
        let now = self.clock.now();
        let told: Result<_, Error> = self
            .publisher
            .write(async move |tx: &mut Tx| bojagi_events::tell(tx, aggregate, &Counted { number }, now).await)
            .await;
        told.unwrap();
    }

    /// Hears until stopped; negative numbers fail while the pair is broken.
    fn hear(&self) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        let broken = Arc::clone(&self.broken);
        let hears = Hears::new("hearer").on(async move |tx: &mut Tx, event: &Event, fact: Counted| {
            let sql = "INSERT INTO heard (aggregate_id, number) VALUES (?1, ?2)";
            tx.execute(sql, params![event.aggregate_id, fact.number]).await?;
            if fact.number < 0 && broken.load(Ordering::SeqCst) {
                return Err(Failure::broken("a defect"));
            }
            Ok(())
        });
        let stop = CancellationToken::new();
        let consumer = Consumer::new(hears, self.hearer.clone(), Arc::clone(&self.clock) as Arc<dyn Clock>);
        let log = EmbeddedLog::new(TOPIC, self.publisher.clone());
        (stop.clone(), tokio::spawn(consumer.run(vec![log], stop)))
    }

    async fn heard(&self) -> Vec<(Uuid, i64)> {
        let rows: Result<_, Error> = self
            .hearer
            .read(async |tx: &mut Tx| tx.fetch_all("SELECT aggregate_id, number FROM heard ORDER BY place", &[]).await)
            .await;
        rows.unwrap()
    }

    async fn heard_of(&self, aggregate: Uuid) -> Vec<i64> {
        self.heard().await.into_iter().filter(|(of, _)| *of == aggregate).map(|(_, number)| number).collect()
    }

    async fn set_aside(&self) -> Vec<(i64, SetAsideState, i64)> {
        let rows: Result<Vec<_>, Error> =
            self.hearer.read(async |tx: &mut Tx| bojagi_events::list(tx, "", None, None, 100).await).await;
        rows.unwrap().iter().map(|aside| (aside.event.sequence, aside.state, aside.attempts)).collect()
    }
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !condition().await {
            look.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_heard_once_and_in_the_order_of_their_aggregate() {
    let pair = Pair::new().await;
    let (stop, hearing) = pair.hear();
    let aggregates: Vec<_> = (0..5).map(|_| Uuid::now_v7()).collect();
    for number in 0..60 {
        for aggregate in &aggregates {
            pair.tell(*aggregate, number).await;
        }
    }
    until("all are heard", async || pair.heard().await.len() == 300).await;
    for aggregate in &aggregates {
        assert_eq!(pair.heard_of(*aggregate).await, (0..60).collect::<Vec<_>>());
    }
    stop.cancel();
    hearing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_was_killed_goes_on_where_it_was() {
    let pair = Pair::new().await;
    let aggregate = Uuid::now_v7();
    for round in 0..10 {
        let (_, hearing) = pair.hear();
        for number in 0..20 {
            pair.tell(aggregate, round * 20 + number).await;
        }
        hearing.abort();
        drop(hearing.await);
    }
    let (_stop, _hearing) = pair.hear();
    until("all are heard", async || pair.heard().await.len() >= 200).await;
    assert_eq!(pair.heard_of(aggregate).await, (0..200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_set_aside_with_what_follows_and_the_rest_flows_on() {
    let pair = Pair::new().await;
    pair.broken.store(true, Ordering::SeqCst);
    let (_stop, _hearing) = pair.hear();
    let (bad, good) = (Uuid::now_v7(), Uuid::now_v7());
    for number in [1, -2, 3] {
        pair.tell(bad, number).await;
    }
    pair.tell(good, 7).await;
    until("the good one is heard", async || pair.heard_of(good).await == [7]).await;
    assert_eq!(pair.heard_of(bad).await, [1], "a failed reaction leaves nothing behind");
    assert_eq!(
        pair.set_aside().await,
        [(2, SetAsideState::Retrying, 1), (3, SetAsideState::Retrying, 0)],
        "the one that failed, and the one behind it"
    );

    pair.broken.store(false, Ordering::SeqCst);
    pair.clock.advance(Duration::from_secs(1));
    until("both are heard in order", async || pair.heard_of(bad).await == [1, -2, 3]).await;
    until("nothing is left aside", async || pair.set_aside().await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_failing_is_parked_until_it_is_replayed() {
    let pair = Pair::new().await;
    pair.broken.store(true, Ordering::SeqCst);
    let (_stop, _hearing) = pair.hear();
    let aggregate = Uuid::now_v7();
    pair.tell(aggregate, -1).await;
    until("it is parked", async || {
        pair.clock.advance(Duration::from_secs(30));
        pair.set_aside().await == [(1, SetAsideState::Parked, bojagi_events::MAX_ATTEMPTS)]
    })
    .await;

    pair.broken.store(false, Ordering::SeqCst);
    let now = pair.clock.now();
    let replayed: Result<_, Error> = pair
        .hearer
        .write(async move |tx: &mut Tx| {
            let parked = bojagi_events::list(tx, "hearer", Some(SetAsideState::Parked), None, 10).await?;
            bojagi_events::replay(tx, "hearer", parked[0].event.id, now).await
        })
        .await;
    assert_eq!(replayed.unwrap().unwrap().1, 0);
    until("it is heard", async || pair.heard_of(aggregate).await == [-1]).await;
}

/// A fact of another context.
#[derive(Clone, PartialEq, prost::Message)]
struct Noted {
    #[prost(int64, tag = "1")]
    number: i64,
}

impl prost::Name for Noted {
    const NAME: &'static str = "Noted";
    const PACKAGE: &'static str = "other.v1";
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contexts_may_tell_about_the_same_aggregate() {
    let pair = Pair::new().await;
    let options = Options::at(pair.folder.path().join("other.sqlite"));
    let other = Store::open(&options, PUBLISHER, pair.clock.as_ref()).await.unwrap();
    let note = async |tx: &mut Tx, event: &Event, number: i64| {
        let sql = "INSERT INTO heard (aggregate_id, number) VALUES (?1, ?2)";
        tx.execute(sql, params![event.aggregate_id, number]).await.map(drop).map_err(Failure::from)
    };
    let hears = Hears::new("hearer")
        .on(async move |tx: &mut Tx, event: &Event, fact: Counted| note(tx, event, fact.number).await)
        .on(async move |tx: &mut Tx, event: &Event, fact: Noted| note(tx, event, fact.number).await);
    let consumer = Consumer::new(hears, pair.hearer.clone(), Arc::clone(&pair.clock) as Arc<dyn Clock>);
    let logs = vec![EmbeddedLog::new(TOPIC, pair.publisher.clone()), EmbeddedLog::new("other.v1", other.clone())];
    let _hearing = tokio::spawn(consumer.run(logs, CancellationToken::new()));

    let (aggregate, now) = (Uuid::now_v7(), pair.clock.now());
    pair.tell(aggregate, 1).await;
    let told: Result<_, Error> =
        other.write(async move |tx: &mut Tx| bojagi_events::tell(tx, aggregate, &Noted { number: 2 }, now).await).await;
    told.unwrap();
    until("both are heard", async || {
        let mut heard = pair.heard_of(aggregate).await;
        heard.sort_unstable();
        heard == [1, 2]
    })
    .await;
}

#[tokio::test]
async fn a_fact_whose_unit_fails_is_not_told() {
    let pair = Pair::new().await;
    let aggregate = Uuid::now_v7();
    let failed: Result<(), Error> = pair
        .publisher
        .write(async move |tx: &mut Tx| {
            bojagi_events::tell(tx, aggregate, &Counted { number: 1 }, Moment::from_micros(0)).await?;
            Err(Error::NoRow)
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(EmbeddedLog::new(TOPIC, pair.publisher.clone()).end().await.unwrap(), 0);
}

#[tokio::test]
async fn the_log_is_pruned_below_its_slowest_group_only() {
    let pair = Pair::new().await;
    for number in 0..10 {
        pair.tell(Uuid::now_v7(), number).await;
    }
    let later = pair.clock.now() + Duration::from_secs(8 * 24 * 60 * 60);
    let pruned: Result<u64, Error> =
        pair.publisher.write(async move |tx: &mut Tx| bojagi_events::prune(tx, 6, later, 100).await).await;
    assert_eq!(pruned.unwrap(), 6);
}
