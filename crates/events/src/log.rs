//! The log of a publisher in the same process: its outbox.

use std::sync::Arc;

use bojagi_store::{Error, Store, Tx, params};
use tokio::sync::watch;

use crate::Event;
use crate::event::{COLUMNS, Logged};

/// A publisher's outbox, read as a log.
#[derive(Clone)]
pub struct EmbeddedLog {
    topic: &'static str,
    store: Store,
}

impl EmbeddedLog {
    /// The log of the context that tells `topic` (such as `bojagi.order.v1`) and owns `store`.
    #[must_use]
    pub const fn new(topic: &'static str, store: Store) -> Self {
        Self { topic, store }
    }

    /// The topic.
    #[must_use]
    pub const fn topic(&self) -> &'static str {
        self.topic
    }

    /// The store that holds it.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// Changes when something was told.
    #[must_use]
    pub fn announcements(&self) -> watch::Receiver<u64> {
        self.store.announcements()
    }

    /// Whether facts of these kinds were told after `position` since the process began; what was told before is found by
    /// reading.
    pub(crate) fn has_news(&self, kinds: &[String], position: i64) -> bool {
        self.store.latest_fact(kinds.iter().map(String::as_str)) > position
    }

    /// The position of the newest fact, or 0.
    ///
    /// # Errors
    /// What the database says.
    pub async fn end(&self) -> Result<i64, Error> {
        self.store
            .read(async |tx: &mut Tx| {
                tx.fetch_one("SELECT coalesce(max(position), 0) FROM outbox", &[]).await.map(|(end,)| end)
            })
            .await
    }

    /// Facts after `position` that are chosen, at most `limit`, and the position up to which the log was read.
    pub(crate) async fn read(&self, position: i64, chosen: Chosen<'_>, limit: usize) -> Result<Batch, Error> {
        if let Some(batch) = self.remembered(position, chosen, limit) {
            return Ok(batch);
        }
        let (types, rows) = (chosen.types, i64::try_from(limit).unwrap_or(i64::MAX));
        let (facts, end) = self
            .store
            .read(async move |tx: &mut Tx| {
                let (end,): (i64,) = tx.fetch_one("SELECT coalesce(max(position), 0) FROM outbox", &[]).await?;
                let facts: Vec<Logged> = tx
                    .fetch_all(
                        &format!(
                            "SELECT position, {COLUMNS} FROM outbox
                             WHERE position > ?1 AND event_type IN ({types}) ORDER BY position LIMIT ?2"
                        ),
                        params![position, rows],
                    )
                    .await?;
                Ok::<_, Error>((facts, end))
            })
            .await?;
        let mut batch = Batch { read_to: end.max(position), full: facts.len() >= limit, events: Vec::new() };
        // A full batch may have stopped before the end; a short one has seen everything up to it.
        if batch.full {
            batch.read_to = facts.last().map_or(batch.read_to, |last| last.position);
        }
        batch.events = facts.into_iter().map(|logged| Arc::new(logged.event)).collect();
        Ok(batch)
    }

    /// The same from memory, when what was told after `position` is there.
    fn remembered(&self, position: i64, chosen: Chosen<'_>, limit: usize) -> Option<Batch> {
        let mut batch = Batch { events: Vec::new(), read_to: position, full: false };
        let known = self.store.recent_facts(position, |announced| {
            batch.read_to = announced.position;
            if chosen.kinds.iter().any(|kind| kind == announced.kind)
                && let Ok(event) = Arc::clone(&announced.fact).downcast::<Event>()
            {
                batch.events.push(event);
            }
            batch.full = batch.events.len() >= limit;
            !batch.full
        });
        known.then_some(batch)
    }
}

/// What a group wants to read.
#[derive(Clone, Copy)]
pub(crate) struct Chosen<'a> {
    /// The types, as an SQL list.
    pub(crate) types: &'static str,
    /// The same without their packages.
    pub(crate) kinds: &'a [String],
}

/// What was read.
pub(crate) struct Batch {
    pub(crate) events: Vec<Arc<Event>>,
    /// Everything up to here was looked at.
    pub(crate) read_to: i64,
    /// There may be more.
    pub(crate) full: bool,
}
