//! What makes tokens void before they expire, numbered in the order in which it was committed.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Error, FromRow, Row, Tx, params};
use uuid::Uuid;

/// What is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voided {
    /// Every token of a session.
    Session(Uuid),
    /// The tokens of an account that were issued before a moment.
    Account { account_id: AccountId, issued_before: Moment },
}

/// A revocation and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) position: i64,
    pub(crate) voided: Voided,
    /// When the last token concerned has expired.
    pub(crate) expires_at: Moment,
}

impl FromRow for Revocation {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let voided = match row.get::<Option<Uuid>>(1)? {
            Some(session_id) => Voided::Session(session_id),
            None => Voided::Account { account_id: row.get(2)?, issued_before: Moment::from_micros(row.get(3)?) },
        };
        Ok(Self { position: row.get(0)?, voided, expires_at: row.get(4)? })
    }
}

/// Writes a revocation, in the unit that makes it true, and wakes those who watch.
pub(crate) async fn insert(tx: &mut Tx, voided: Voided, expires_at: Moment) -> Result<(), Error> {
    let (position,): (i64,) =
        tx.fetch_one("UPDATE revocation_counter SET last = last + 1 WHERE only_row = 1 RETURNING last", &[]).await?;
    let (session_id, account_id, issued_before) = match voided {
        Voided::Session(session_id) => (Some(session_id), None, None),
        Voided::Account { account_id, issued_before } => (None, Some(account_id), Some(issued_before.micros())),
    };
    tx.send(
        "INSERT INTO revocation (position, session_id, account_id, issued_before, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![position, session_id, account_id, issued_before, expires_at],
    )
    .await?;
    tx.announce();
    Ok(())
}

/// Revocations after `position` that still matter, in order.
pub(crate) async fn after(tx: &mut Tx, position: i64, now: Moment, limit: i64) -> Result<Vec<Revocation>, Error> {
    tx.fetch_all(
        "SELECT position, session_id, account_id, issued_before, expires_at FROM revocation
         WHERE position > ?1 AND expires_at > ?2 ORDER BY position LIMIT ?3",
        params![position, now, limit],
    )
    .await
}

/// The last position that was given out, or 0.
pub(crate) async fn last(tx: &mut Tx) -> Result<i64, Error> {
    tx.fetch_one("SELECT last FROM revocation_counter WHERE only_row = 1", &[]).await.map(|(last,)| last)
}

/// Forgets revocations that no longer matter, at most `limit` of them; says how many.
pub(crate) async fn forget(tx: &mut Tx, now: Moment, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM revocation WHERE position IN (SELECT position FROM revocation WHERE expires_at < ?1 LIMIT ?2)",
        params![now, limit],
    )
    .await
}
