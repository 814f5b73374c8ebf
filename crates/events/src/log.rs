//! The log of a publisher in the same process: its outbox.

use bojagi_store::{Error, Store, Tx, params};
use tokio::sync::watch;

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

    /// Facts after `position` of the given types, at most `limit`, and the position up to which the log was read.
    pub(crate) async fn read(
        &self,
        position: i64,
        types: &'static str,
        limit: i64,
    ) -> Result<(Vec<Logged>, i64), Error> {
        self.store
            .read(async move |tx: &mut Tx| {
                let (end,): (i64,) = tx.fetch_one("SELECT coalesce(max(position), 0) FROM outbox", &[]).await?;
                let facts: Vec<Logged> = tx
                    .fetch_all(
                        &format!(
                            "SELECT position, {COLUMNS} FROM outbox
                             WHERE position > ?1 AND event_type IN ({types}) ORDER BY position LIMIT ?2"
                        ),
                        params![position, limit],
                    )
                    .await?;
                // A full batch may have stopped before the end; a short one has seen everything up to it.
                let full = i64::try_from(facts.len()).is_ok_and(|count| count >= limit);
                let read_to = facts.last().filter(|_| full).map_or(end.max(position), |last| last.position);
                Ok((facts, read_to))
            })
            .await
    }
}
