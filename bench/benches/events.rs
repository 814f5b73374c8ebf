//! How long a fact takes from the commit that tells it to the reaction, and how fast a backlog is published and heard; over
//! the embedded log and over the broker that `BOJAGI_TEST_KAFKA` names.
//!
//! `cargo bench -p bojagi-bench --bench events -- [FACTS]`
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bojagi_events::kafka::{DEFAULTS, KafkaConfig};
use bojagi_events::{Consumer, EmbeddedLog, EmbeddedLogs, Event, Hears, Kafka, Outbox, RELAY, Transport};
use bojagi_kernel::SystemClock;
use bojagi_store::{Error, Migration, Options, Store, Tx, idempotency, params};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const TOPIC: &str = "bench.v1";
const MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    Migration::expand("heard-1", "CREATE TABLE heard (number BIGINT PRIMARY KEY)"),
];
/// Facts told one by one, with a pause, to see how long each takes.
const LATENCIES: i64 = 2_000;
const PAUSE: Duration = Duration::from_millis(2);
/// Aggregates that the backlog is about.
const AGGREGATES: usize = 1_000;

/// A fact of about the size that an order's have.
#[derive(Clone, PartialEq, prost::Message)]
struct Happened {
    #[prost(int64, tag = "1")]
    number: i64,
    #[prost(bytes = "vec", tag = "2")]
    filling: Vec<u8>,
}

impl prost::Name for Happened {
    const NAME: &'static str = "Happened";
    const PACKAGE: &'static str = TOPIC;
}

struct Stage {
    _folder: TempDir,
    teller: Store,
    hearer: Store,
    transport: Box<dyn Transport>,
    stop: CancellationToken,
}

impl Stage {
    async fn new(kafka: Option<&str>) -> Self {
        let folder = TempDir::new().unwrap();
        let open = async |name: &str| {
            Store::open(&Options::at(folder.path().join(name)), MIGRATIONS, &SystemClock).await.unwrap()
        };
        let (teller, hearer) = (open("teller.sqlite").await, open("hearer.sqlite").await);
        let transport: Box<dyn Transport> = match kafka {
            None => Box::new(EmbeddedLogs::new(vec![EmbeddedLog::new(TOPIC, teller.clone())])),
            Some(bootstrap) => {
                let defaults: KafkaConfig = DEFAULTS.parse::<toml::Table>().unwrap().try_into().unwrap();
                let prefix = format!("{}.", Uuid::now_v7());
                Box::new(Kafka::new(KafkaConfig { bootstrap: bootstrap.to_owned(), prefix, ..defaults }))
            }
        };
        Self { _folder: folder, teller, hearer, transport, stop: CancellationToken::new() }
    }

    fn publish(&self) {
        let outbox = Outbox { topic: TOPIC, store: self.teller.clone(), clock: Arc::new(SystemClock) };
        drop(tokio::spawn(self.transport.publish(outbox, self.stop.clone())));
    }

    /// Writes a row for each fact, as a real reaction would, and says by `at` which it was.
    fn listen(&self, at: impl Fn(i64) + Send + Sync + Clone + 'static) {
        let hears = Hears::new("bench").on(async move |tx: &mut Tx, _: &Event, fact: Happened| {
            at(fact.number);
            tx.execute("INSERT INTO heard (number) VALUES (?1)", params![fact.number]).await?;
            Ok(())
        });
        let consumer = Consumer::new(hears, self.hearer.clone(), Arc::new(SystemClock));
        drop(tokio::spawn(self.transport.deliver(consumer, &[TOPIC], self.stop.clone())));
    }

    /// Tells facts in one unit.
    async fn tell(&self, facts: Vec<(Uuid, i64)>) {
        let told: Result<(), Error> = self
            .teller
            .write(async move |tx: &mut Tx| {
                for (aggregate, number) in facts {
                    let fact = Happened { number, filling: vec![7; 200] };
                    bojagi_events::tell(tx, aggregate, &fact, bojagi_kernel::Clock::now(&SystemClock)).await?;
                }
                Ok(())
            })
            .await;
        told.unwrap();
    }
}

async fn latency(kafka: Option<&str>) {
    let stage = Stage::new(kafka).await;
    let (heard_by, mut heard) = tokio::sync::mpsc::unbounded_channel();
    stage.publish();
    stage.listen(move |number| heard_by.send((number, Instant::now())).unwrap());
    // The first one waits for the group to be formed.
    stage.tell(vec![(Uuid::now_v7(), -1)]).await;
    heard.recv().await.unwrap();
    let mut committed = Vec::new();
    for number in 0..LATENCIES {
        stage.tell(vec![(Uuid::now_v7(), number)]).await;
        committed.push(Instant::now());
        tokio::time::sleep(PAUSE).await;
    }
    let mut took = Vec::new();
    for _ in 0..LATENCIES {
        let (number, at) = heard.recv().await.unwrap();
        took.push(at.saturating_duration_since(committed[usize::try_from(number).unwrap()]));
    }
    took.sort_unstable();
    let at = |part: usize| took[(took.len() - 1) * part / 1_000].as_secs_f64() * 1_000.0;
    println!(
        "| commit to reaction | {} | p50 {:.2} ms | p99 {:.2} ms | longest {:.2} ms |",
        name(kafka),
        at(500),
        at(990),
        at(1_000)
    );
    stage.stop.cancel();
}

async fn backlog(kafka: Option<&str>, facts: i64) {
    let stage = Stage::new(kafka).await;
    let aggregates: Vec<_> = (0..AGGREGATES).map(|_| Uuid::now_v7()).collect();
    for begin in (0..facts).step_by(1_000) {
        let end = (begin + 1_000).min(facts);
        let unit = (begin..end).map(|number| (aggregates[usize::try_from(number).unwrap() % AGGREGATES], number));
        stage.tell(unit.collect()).await;
    }
    if kafka.is_some() {
        let began = Instant::now();
        stage.publish();
        while published(&stage).await < facts {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        report("backlog published", kafka, facts, began.elapsed());
    }
    let heard = Arc::new(AtomicI64::new(0));
    let (counted, began) = (Arc::clone(&heard), Instant::now());
    stage.listen(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    while heard.load(Ordering::Relaxed) < facts {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    report("backlog heard, a row written for each", kafka, facts, began.elapsed());
    stage.stop.cancel();
}

async fn published(stage: &Stage) -> i64 {
    let position: Result<_, Error> =
        stage.teller.read(async |tx: &mut Tx| bojagi_events::position(tx, RELAY, TOPIC).await).await;
    position.unwrap()
}

fn name(kafka: Option<&str>) -> &'static str {
    if kafka.is_some() { "Kafka" } else { "embedded log" }
}

fn report(what: &str, kafka: Option<&str>, facts: i64, took: Duration) {
    let rate = facts as f64 / took.as_secs_f64();
    println!("| {what} | {} | {facts} facts | {:.2} s | {rate:.0}/s |", name(kafka), took.as_secs_f64());
}

#[tokio::main]
async fn main() {
    let facts = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(200_000);
    let broker = std::env::var("BOJAGI_TEST_KAFKA").ok();
    for kafka in std::iter::once(None).chain(broker.as_deref().map(Some)) {
        latency(kafka).await;
        backlog(kafka, facts).await;
    }
}
