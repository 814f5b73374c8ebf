//! Who publishes an outbox: one process at a time, for a while, under a number that grows with each change of hands.
//!
//! A process that sleeps past the end of its lease and wakes can harm nobody: what it still publishes, its successor has
//! published or will publish in the same order, so that it is a duplicate; and its marks carry an old epoch and fail.

use std::time::Duration;

use bojagi_kernel::Moment;
use bojagi_store::{Error, Tx, params};

use crate::consumer::{position, save_position};
use crate::event::{COLUMNS, Logged};

/// The group under which the position is kept up to which an outbox was published.
pub const RELAY: &str = "relay";
/// How long a lease lasts that is not renewed.
pub(super) const LASTS: Duration = Duration::from_secs(6);

/// A lease that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) topic: &'static str,
    pub(super) epoch: i64,
}

impl Lease {
    /// Takes the lease if nobody else holds it, and answers it with the position up to which the outbox was published. A
    /// `holder` that comes back takes what was its own at once.
    pub(super) async fn take(
        tx: &mut Tx,
        topic: &'static str,
        holder: &str,
        now: Moment,
    ) -> Result<Option<(Self, i64)>, Error> {
        let taken: Option<(i64,)> = tx
            .fetch_optional(
                "INSERT INTO relay_lease (topic, holder, epoch, held_until) VALUES (?1, ?2, 1, ?3)
                 ON CONFLICT (topic) DO UPDATE
                 SET holder = excluded.holder, epoch = relay_lease.epoch + 1, held_until = excluded.held_until
                 WHERE relay_lease.held_until <= ?4 OR relay_lease.holder = excluded.holder
                 RETURNING epoch",
                params![topic, holder, now + LASTS, now],
            )
            .await?;
        let Some((epoch,)) = taken else { return Ok(None) };
        Ok(Some((Self { topic, epoch }, position(tx, RELAY, topic).await?)))
    }

    /// Keeps the lease and notes how far the outbox was published. False when the lease is another's by now: then nothing
    /// was noted.
    pub(super) async fn mark(self, tx: &mut Tx, published: i64, now: Moment) -> Result<bool, Error> {
        if !self.hold_until(tx, now + LASTS).await? {
            return Ok(false);
        }
        save_position(tx, RELAY, self.topic, published).await?;
        Ok(true)
    }

    /// Gives the lease back, so that the next one need not wait for its end.
    pub(super) async fn give_back(self, tx: &mut Tx, now: Moment) -> Result<bool, Error> {
        self.hold_until(tx, now).await
    }

    async fn hold_until(self, tx: &mut Tx, until: Moment) -> Result<bool, Error> {
        let held = tx
            .execute(
                "UPDATE relay_lease SET held_until = ?3 WHERE topic = ?1 AND epoch = ?2",
                params![self.topic, self.epoch, until],
            )
            .await?;
        Ok(held > 0)
    }

    /// Facts after `position`, at most `limit`; nothing when the lease is another's by now.
    pub(super) async fn read(self, tx: &mut Tx, position: i64, limit: i64) -> Result<Option<Vec<Logged>>, Error> {
        let sql = format!(
            "SELECT position, {COLUMNS} FROM outbox
             WHERE position > ?1 AND ?4 = (SELECT epoch FROM relay_lease WHERE topic = ?3) ORDER BY position LIMIT ?2"
        );
        let facts: Vec<Logged> = tx.fetch_all(&sql, params![position, limit, self.topic, self.epoch]).await?;
        if facts.is_empty() {
            let sql = "SELECT epoch FROM relay_lease WHERE topic = ?1";
            let (epoch,): (i64,) = tx.fetch_one(sql, params![self.topic]).await?;
            return Ok((epoch == self.epoch).then_some(facts));
        }
        Ok(Some(facts))
    }
}
