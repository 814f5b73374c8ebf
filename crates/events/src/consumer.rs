//! The tasks of one group: it follows its topics, retries what it set aside, and tidies up.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::id::EventId;
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::{Error, LockKey, Store, Tx, idempotency, params};
use futures::future::join_all;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::Brought;
use crate::log::{Batch, Chosen};
use crate::{EmbeddedLog, Hears, inbox, set_aside, watch};

/// How far a position may move over facts of no interest before it is saved all the same.
const UNSAVED: i64 = 1_000;
/// Events applied in one unit of work at most: what a savepoint keeps to undo grows with the unit that it is in.
const BATCH: usize = 32;
/// Events that were set aside, tried again in one unit of work at most.
const RETRIES: i64 = 32;
/// The safety net under being woken, and the pause after a failure of the machinery itself.
const POLL: Duration = Duration::from_secs(1);
/// How often old inbox rows and kept answers are forgotten, and a position is saved that moved over facts of no interest.
const TIDY: Duration = Duration::from_secs(60);
/// How long an inbox row is kept; the last number of each aggregate is kept for ever.
const INBOX_KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Rows forgotten in one unit of work at most.
const TIDY_BATCH: i64 = 500;

/// A group of consumers with the store in which it reacts.
pub struct Consumer {
    hears: Arc<Hears>,
    store: Store,
    clock: Arc<dyn Clock>,
    /// The types it reacts to, as an SQL list; the texts are names of messages, never input.
    types: &'static str,
    /// The same without their packages.
    kinds: Vec<String>,
}

impl Consumer {
    /// A group that reacts as `hears` says, in units of work of `store`.
    #[must_use]
    pub fn new(hears: Hears, store: Store, clock: Arc<dyn Clock>) -> Self {
        let types = hears.types().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let kinds = hears.types().map(|name| name.rsplit('.').next().unwrap_or(name).to_owned()).collect();
        Self { hears: Arc::new(hears), store, clock, types: String::leak(types), kinds }
    }

    /// Follows `logs` until `stop` is cancelled. A batch that has begun is finished first.
    pub(crate) async fn follow_logs(self, logs: Vec<EmbeddedLog>, stop: CancellationToken) {
        let consumer = &self;
        let watched = watch::lag_in_logs(consumer, &logs, &stop);
        let followers = join_all(logs.iter().map(|log| consumer.follow(log.clone(), &stop)));
        tokio::join!(followers, watched, consumer.keep_up(&stop));
    }

    /// Retries what was set aside, counts it, and tidies up, until `stop` is cancelled.
    pub(crate) async fn keep_up(&self, stop: &CancellationToken) {
        tokio::join!(self.retry(stop), self.tidy(stop), watch::set_aside(self, stop));
    }

    /// The store in which it reacts.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The time.
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The types it reacts to, as an SQL list.
    pub(crate) const fn types(&self) -> &'static str {
        self.types
    }

    /// What the group reacts to.
    pub(crate) fn hears(&self) -> &Hears {
        &self.hears
    }

    /// Applies what a broker has brought, all of it or nothing.
    pub(crate) async fn take_in(&self, brought: Arc<Brought>) -> Result<(), Failure> {
        self.apply(brought, None).await
    }

    async fn follow(&self, log: EmbeddedLog, stop: &CancellationToken) {
        let mut announcements = log.announcements();
        let mut place = None;
        let mut kept_at = Instant::now();
        while !stop.is_cancelled() {
            announcements.mark_unchanged();
            match self.advance(&log, place).await {
                Ok((reached, true)) => place = Some(reached),
                Ok((reached, false)) => {
                    place = Some(reached);
                    if kept_at.elapsed() >= TIDY {
                        place = Some(self.keep_or_complain(&log, reached).await);
                        kept_at = Instant::now();
                    }
                    self.wait_for_news(&log, reached, &mut announcements, stop).await;
                }
                Err(failure) => {
                    tracing::error!(group = self.hears.group(), topic = log.topic(), %failure, "cannot follow a topic");
                    // What was committed is not known any more: read it again.
                    place = None;
                    let () = tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(POLL) => {} };
                }
            }
        }
        if let Some(place) = place {
            self.keep_or_complain(&log, place).await;
        }
    }

    /// Saves how far a log holds nothing more of interest, now and then and before the group ends: nobody need read that again,
    /// and it may be forgotten. Answers the place after that.
    async fn keep_or_complain(&self, log: &EmbeddedLog, place: Place) -> Place {
        self.keep(log, place).await.unwrap_or_else(|error| {
            let (group, topic) = (self.hears.group(), log.topic());
            tracing::debug!(group, topic, %error, "a position was not saved; what is behind it will be read again");
            place
        })
    }

    async fn keep(&self, log: &EmbeddedLog, place: Place) -> Result<Place, Error> {
        let Batch { events, read_to, .. } = log.read(place.read, self.chosen(), 1).await?;
        let (group, topic) = (self.hears.group(), log.topic());
        let read = if events.is_empty() { read_to } else { place.read };
        if read > place.saved {
            self.store.write(async move |tx: &mut Tx| save_position(tx, group, topic, read).await).await?;
        }
        Ok(Place { read, saved: read.max(place.saved) })
    }

    const fn chosen(&self) -> Chosen<'_> {
        Chosen { types: self.types, kinds: self.kinds.as_slice() }
    }

    /// Applies one batch. Answers the place reached, and whether there may be more.
    async fn advance(&self, log: &EmbeddedLog, known: Option<Place>) -> Result<(Place, bool), Failure> {
        let place = match known {
            Some(place) => place,
            None => self.saved_place(log.topic()).await?,
        };
        let Batch { events, read_to, full } = log.read(place.read, self.chosen(), BATCH).await?;
        // A position that moved over facts of no interest is worth a commit only now and then: it is found again.
        if events.is_empty() && read_to < place.saved + UNSAVED {
            return Ok((Place { read: read_to, ..place }, full));
        }
        let brought = Brought { events, unreadable: Vec::new() };
        self.apply(Arc::new(brought), Some((log.topic(), read_to))).await?;
        Ok((Place { read: read_to, saved: read_to }, full))
    }

    /// Applies a batch in one unit of work, together with the position after it where one is kept. Only when that fails,
    /// which is rare, does each event get a savepoint of its own, so that the one which cannot be applied is set aside alone.
    async fn apply(&self, brought: Arc<Brought>, reached: Option<(&'static str, i64)>) -> Result<(), Failure> {
        let Err(failure) = self.apply_in(Way::Together, Arc::clone(&brought), reached).await else { return Ok(()) };
        tracing::debug!(group = self.hears.group(), %failure, "events are applied one by one");
        self.apply_in(Way::OneByOne, brought, reached).await
    }

    async fn apply_in(
        &self,
        way: Way,
        brought: Arc<Brought>,
        reached: Option<(&'static str, i64)>,
    ) -> Result<(), Failure> {
        let (hears, now) = (Arc::clone(&self.hears), self.clock.now());
        let keys = self.keys(way, &brought, reached);
        let unit = async move |tx: &mut Tx| {
            for record in &brought.unreadable {
                set_aside::park(tx, hears.group(), record, now).await?;
            }
            match way {
                Way::Together => inbox::apply_together(tx, &hears, &brought.events, now).await?,
                Way::OneByOne => inbox::apply_one_by_one(tx, &hears, &brought.events, now).await?,
            }
            match reached {
                Some((topic, position)) => Ok(save_position(tx, hears.group(), topic, position).await?),
                None => Ok(()),
            }
        };
        match keys {
            Some(keys) => self.store.write_locking(keys, unit).await,
            None => self.store.write(unit).await,
        }
    }

    /// What a batch locks; nothing when it is the whole store, which a second attempt always is, and one that parks.
    fn keys(&self, way: Way, brought: &Brought, reached: Option<(&'static str, i64)>) -> Option<Vec<LockKey>> {
        if way == Way::OneByOne || !brought.unreadable.is_empty() {
            return None;
        }
        let mut keys = self.hears.keys(brought.events.iter().map(Arc::as_ref))?;
        // Two that follow the same log change the same position.
        keys.extend(reached.map(|(topic, _)| LockKey::named(self.hears.group(), topic)));
        Some(keys)
    }

    async fn saved_place(&self, topic: &'static str) -> Result<Place, Error> {
        let group = self.hears.group();
        let saved = self.store.read(async move |tx: &mut Tx| position(tx, group, topic).await).await?;
        Ok(Place { read: saved, saved })
    }

    /// Waits until something was told that this group cares for. Now and then it looks all the same.
    async fn wait_for_news(
        &self,
        log: &EmbeddedLog,
        place: Place,
        announcements: &mut Receiver<u64>,
        stop: &CancellationToken,
    ) {
        let news = async {
            while !log.has_news(&self.kinds, place.read) {
                if announcements.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = news => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }

    async fn retry(&self, stop: &CancellationToken) {
        loop {
            let tried = self.retry_once(self.clock.now()).await.unwrap_or_else(|failure| {
                tracing::error!(group = self.hears.group(), %failure, "cannot retry events that were set aside");
                0
            });
            if tried == 0 {
                self.pause_for_retry(stop).await;
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }

    async fn retry_once(&self, now: Moment) -> Result<usize, Failure> {
        let group = self.hears.group();
        // Nearly always nothing is set aside, and then the writer is not bothered.
        let waiting: Option<(i64,)> = self
            .store
            .read(async move |tx: &mut Tx| {
                tx.fetch_optional(
                    "SELECT 1 FROM set_aside WHERE consumer = ?1 AND state = 'RETRYING' AND next_attempt_at <= ?2 LIMIT 1",
                    params![group, now],
                )
                .await
            })
            .await
            .map_err(|error: Error| Failure::from(error))?;
        if waiting.is_none() {
            return Ok(0);
        }
        let hears = Arc::clone(&self.hears);
        self.store.write(async move |tx: &mut Tx| set_aside::retry_due(tx, &hears, now, RETRIES).await).await
    }

    async fn pause_for_retry(&self, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL / 4) => {}
        }
    }

    async fn tidy(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.forget_the_old().await {
                // As many as that may have become old since the last time, so there may be more.
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(group = self.hears.group(), %error, "cannot tidy up"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(TIDY) => {}
            }
        }
    }

    /// Forgets some of the old inbox rows and kept answers; true when there may be more of them.
    async fn forget_the_old(&self) -> Result<bool, Error> {
        let (now, group) = (self.clock.now(), self.hears.group());
        let told_before = EventId::earliest_at(now - INBOX_KEPT_FOR);
        // Nobody else changes such rows; only others who tidy up must not meet this one over them.
        self.store
            .write_locking([LockKey::named("store", "tidy")], async move |tx: &mut Tx| {
                let answers = idempotency::forget(tx, now, TIDY_BATCH).await?;
                // Ids of events sort by the time they were told, so the oldest come first without an index.
                let heard = tx
                    .execute(
                        "DELETE FROM inbox WHERE consumer = ?1 AND event_id IN
                            (SELECT event_id FROM inbox WHERE consumer = ?1 AND event_id < ?2 AND handled_at < ?3
                             ORDER BY event_id LIMIT ?4)",
                        params![group, told_before, now - INBOX_KEPT_FOR, TIDY_BATCH],
                    )
                    .await?;
                Ok(answers.max(heard) >= TIDY_BATCH.unsigned_abs())
            })
            .await
    }
}

/// How the events of a batch are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Together,
    OneByOne,
}

/// How far a log was read.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// As far as is known here.
    read: i64,
    /// As far as the store knows.
    saved: i64,
}

/// The position up to which a group has heard a topic, or 0.
///
/// # Errors
/// What the database says.
pub async fn position(tx: &mut Tx, group: &str, topic: &str) -> Result<i64, Error> {
    let saved: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT position FROM consumer_position WHERE consumer = ?1 AND topic = ?2",
            params![group, topic],
        )
        .await?;
    Ok(saved.map_or(0, |(position,)| position))
}

/// Notes how far a group has heard a topic. Of several processes that follow it, the one that is behind takes nothing back.
pub(crate) async fn save_position(tx: &mut Tx, group: &str, topic: &str, position: i64) -> Result<(), Error> {
    tx.send(
        "INSERT INTO consumer_position (consumer, topic, position) VALUES (?1, ?2, ?3)
         ON CONFLICT (consumer, topic) DO UPDATE SET position = excluded.position
         WHERE consumer_position.position < excluded.position",
        params![group, topic, position],
    )
    .await
}

#[cfg(test)]
mod tests {
    use bojagi_kernel::reexport::Uuid;
    use bojagi_kernel::{Clock, ManualClock};
    use bojagi_store::{Migration, Options};
    use tempfile::TempDir;

    use super::*;
    use crate::tell;

    const MIGRATIONS: &[Migration] = &[idempotency::MIGRATION, crate::MIGRATION, crate::TRACESTATE_MIGRATION];
    const TOPIC: &str = "test.v1";

    #[derive(Clone, PartialEq, prost::Message)]
    struct Wanted {}

    #[derive(Clone, PartialEq, prost::Message)]
    struct Unwanted {}

    impl prost::Name for Wanted {
        const NAME: &'static str = "Wanted";
        const PACKAGE: &'static str = TOPIC;
    }

    impl prost::Name for Unwanted {
        const NAME: &'static str = "Unwanted";
        const PACKAGE: &'static str = TOPIC;
    }

    async fn open(folder: &TempDir, name: &str, clock: &ManualClock) -> Store {
        Store::open(&Options::at(folder.path().join(name)), MIGRATIONS, clock).await.unwrap()
    }

    #[tokio::test]
    async fn a_position_never_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Moment::from_micros(0));
        let store = open(&folder, "group.sqlite", &clock).await;
        let reached = async move |tx: &mut Tx| -> Result<i64, Error> {
            for reached in [5, 7, 6] {
                save_position(tx, "group", "topic", reached).await?;
            }
            position(tx, "group", "topic").await
        };
        assert_eq!(store.write(reached).await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_position_is_saved_now_and_then_although_nothing_was_of_interest() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Moment::from_micros(0)));
        let (teller, hearer) = (open(&folder, "teller", &clock).await, open(&folder, "hearer", &clock).await);
        let telling = async |tx: &mut Tx| tell(tx, Uuid::now_v7(), &Unwanted {}, Moment::from_micros(0)).await;
        teller.write(telling).await.unwrap();

        let hears = Hears::new("group").on(async |_: &mut Tx, _: &crate::Event, _: Wanted| Ok(()));
        let consumer = Consumer::new(hears, hearer.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        let stop = CancellationToken::new();
        let following = tokio::spawn(consumer.follow_logs(vec![EmbeddedLog::new(TOPIC, teller)], stop.clone()));
        let saved = async || {
            let saved: Result<i64, Error> = hearer.read(async |tx: &mut Tx| position(tx, "group", TOPIC).await).await;
            saved.unwrap()
        };
        // The store does not stand still with the clock of the test, so it is the real one that bounds this.
        let began = std::time::Instant::now();
        while saved().await == 0 {
            assert!(began.elapsed() < TIDY, "it is not saved");
            tokio::time::sleep(POLL).await;
        }
        assert_eq!(saved().await, 1);
        stop.cancel();
        following.await.unwrap();
    }
}
