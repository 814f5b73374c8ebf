//! One context that tells and one that hears, and what carries facts between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bojagi_events::{Consumer, EmbeddedLog, Event, Hears, Outbox, SetAsideState, Transport};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Clock, Failure, ManualClock, Moment};
use bojagi_store::{Error, Migration, Options, Store, Tx, idempotency, params};
use futures::future::join_all;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::facts::{Counted, Noted};
use crate::ways::Way;

pub(crate) const TOPIC: &str = "test.v1";
pub(crate) const OTHER_TOPIC: &str = "other.v1";
pub(crate) const TELLER: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
];
const HEARER: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    Migration::expand(
        "heard-1",
        "CREATE TABLE heard (place INTEGER PRIMARY KEY, aggregate_id UUID NOT NULL, number BIGINT NOT NULL)",
    ),
];
/// A reaction to this panics.
pub(crate) const PANICS: i64 = i64::MAX;
/// Joining a group takes some seconds, on a busy machine more.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Stage {
    _folder: TempDir,
    pub(crate) teller: Store,
    /// Tells the other topic.
    pub(crate) other: Store,
    pub(crate) hearer: Store,
    pub(crate) clock: Arc<ManualClock>,
    /// While it is true, reactions to negative numbers fail.
    pub(crate) broken: Arc<AtomicBool>,
    pub(crate) way: Way,
}

/// Tasks that publish and listen.
pub(crate) struct Running {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Ends them as a process ends that was asked to.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for ended in join_all(self.tasks).await {
            ended.unwrap();
        }
    }
}

impl Stage {
    pub(crate) async fn over(way: Way) -> Self {
        if let Ok(filter) = std::env::var("BOJAGI_TEST_LOG") {
            // Another test may have started it.
            let _ = bojagi_telemetry::logging::start(&filter, bojagi_telemetry::logging::Format::Text);
        }
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(Moment::from_micros(1_000_000_000)));
        let open = async |name: &str, migrations| {
            let options = Options::at(folder.path().join(name));
            Store::open(&options, migrations, clock.as_ref()).await.unwrap()
        };
        let (teller, other) = (open("teller.sqlite", TELLER).await, open("other.sqlite", TELLER).await);
        let hearer = open("hearer.sqlite", HEARER).await;
        Self { _folder: folder, teller, other, hearer, clock, broken: Arc::default(), way }
    }

    pub(crate) async fn tell(&self, aggregate: Uuid, number: i64) {
        self.tell_fact(&self.teller, aggregate, Counted { number }).await;
    }

    pub(crate) async fn tell_fact<M>(&self, teller: &Store, aggregate: Uuid, fact: M)
    where
        M: prost::Message + prost::Name + 'static,
    {
        let now = self.clock.now();
        let told: Result<_, Error> =
            teller.write(async move |tx: &mut Tx| bojagi_events::tell(tx, aggregate, &fact, now).await).await;
        told.unwrap();
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    pub(crate) fn transport(&self) -> Box<dyn Transport> {
        let logs = [(TOPIC, &self.teller), (OTHER_TOPIC, &self.other)];
        self.way.transport(logs.map(|(topic, store)| EmbeddedLog::new(topic, store.clone())).into())
    }

    /// Publishes and listens.
    pub(crate) fn start(&self) -> Running {
        let (transport, stop) = (self.transport(), CancellationToken::new());
        let tasks = vec![
            self.publishing(transport.as_ref(), TOPIC, &self.teller, &stop),
            self.publishing(transport.as_ref(), OTHER_TOPIC, &self.other, &stop),
            self.listening(transport.as_ref(), "hearer", &stop),
        ];
        Running { stop, tasks }
    }

    /// Ends what runs without a goodbye, and lets the time pass after which others notice.
    pub(crate) async fn kill(&self, running: Running) {
        for task in &running.tasks {
            task.abort();
        }
        join_all(running.tasks).await;
        self.clock.advance(Duration::from_secs(60));
    }

    /// Only listens.
    pub(crate) fn listen(&self) -> Running {
        self.listen_over(self.transport().as_ref())
    }

    /// Only listens, over a way of its own.
    pub(crate) fn listen_over(&self, transport: &dyn Transport) -> Running {
        let stop = CancellationToken::new();
        Running { tasks: vec![self.listening(transport, "hearer", &stop)], stop }
    }

    /// Only publishes, over a way of its own.
    pub(crate) fn publish(&self, transport: &dyn Transport) -> Running {
        let stop = CancellationToken::new();
        Running { tasks: vec![self.publishing(transport, TOPIC, &self.teller, &stop)], stop }
    }

    fn publishing(
        &self,
        transport: &dyn Transport,
        topic: &'static str,
        store: &Store,
        stop: &CancellationToken,
    ) -> JoinHandle<()> {
        let outbox = Outbox { topic, store: store.clone(), clock: self.clock() };
        tokio::spawn(transport.publish(outbox, stop.clone()))
    }

    fn listening(&self, transport: &dyn Transport, group: &'static str, stop: &CancellationToken) -> JoinHandle<()> {
        let broken = Arc::clone(&self.broken);
        let note = async |tx: &mut Tx, event: &Event, number: i64| {
            let sql = "INSERT INTO heard (aggregate_id, number) VALUES (?1, ?2)";
            tx.execute(sql, params![event.aggregate_id, number]).await.map(drop).map_err(Failure::from)
        };
        let hears = Hears::new(group)
            .on(async move |tx: &mut Tx, event: &Event, fact: Counted| {
                note(tx, event, fact.number).await?;
                assert_ne!(fact.number, PANICS, "a defect that nobody thought of");
                if fact.number < 0 && broken.load(Ordering::SeqCst) {
                    return Err(Failure::broken("a defect"));
                }
                Ok(())
            })
            .on(async move |tx: &mut Tx, event: &Event, fact: Noted| note(tx, event, fact.number).await);
        let consumer = Consumer::new(hears, self.hearer.clone(), self.clock());
        tokio::spawn(transport.deliver(consumer, &[TOPIC, OTHER_TOPIC], stop.clone()))
    }

    pub(crate) async fn heard(&self) -> Vec<(Uuid, i64)> {
        let rows: Result<_, Error> = self
            .hearer
            .read(async |tx: &mut Tx| tx.fetch_all("SELECT aggregate_id, number FROM heard ORDER BY place", &[]).await)
            .await;
        rows.unwrap()
    }

    pub(crate) async fn heard_of(&self, aggregate: Uuid) -> Vec<i64> {
        self.heard().await.into_iter().filter(|(of, _)| *of == aggregate).map(|(_, number)| number).collect()
    }

    pub(crate) async fn set_aside(&self) -> Vec<(i64, SetAsideState, i64)> {
        let rows: Result<Vec<_>, Error> =
            self.hearer.read(async |tx: &mut Tx| bojagi_events::list(tx, "", None, None, 100).await).await;
        rows.unwrap().iter().map(|aside| (aside.event.sequence, aside.state, aside.attempts)).collect()
    }

    /// Changes a store behind the back of the crate, in one unit.
    pub(crate) async fn meddle(&self, store: &Store, statements: &'static [&'static str]) {
        let done: Result<(), Error> = store
            .write(async move |tx: &mut Tx| {
                for sql in statements {
                    tx.execute(sql, &[]).await?;
                }
                Ok(())
            })
            .await;
        done.unwrap();
    }
}

/// Waits until `condition` is true.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition().await {
            look.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain: {what}");
}
