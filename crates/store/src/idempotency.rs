//! Answers kept so that a request that comes twice has one effect.
//!
//! The row is written in the unit of the effect: [`recall`] first, then the effect, then [`remember`].

use std::collections::HashMap;
use std::time::Duration;

use bojagi_kernel::Moment;
use bojagi_kernel::id::RequestId;

use crate::{Bind, Error, LockKey, Migration, Tx, params};

/// How long an answer is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The table.
pub const MIGRATION: Migration = Migration::expand(
    "idempotency-1",
    "CREATE TABLE idempotency (
        caller TEXT NOT NULL,
        method TEXT NOT NULL,
        request_id UUID NOT NULL,
        fingerprint BYTEA NOT NULL,
        answer BYTEA NOT NULL,
        answered_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (caller, method, request_id)
    ) WITHOUT ROWID;
    CREATE INDEX idempotency_answered_at ON idempotency (answered_at);",
);

/// What makes two requests the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Who asks; ids of different callers never meet.
    pub caller: String,
    /// The method that is asked.
    pub method: &'static str,
    /// What the caller named the request.
    pub request_id: RequestId,
    /// A digest of what is asked for.
    pub fingerprint: [u8; 32],
}

impl Key {
    /// What a unit locks that answers the request.
    #[must_use]
    pub fn lock(&self) -> LockKey {
        LockKey::named(self.method, &format!("{} {}", self.caller, self.request_id))
    }
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recalled {
    /// It has not been answered before.
    New,
    /// It has been answered with this.
    Answered(Vec<u8>),
    /// Another request was answered under the same id.
    Reused,
}

/// Looks a request up.
///
/// # Errors
/// What the database says.
pub async fn recall(tx: &mut Tx, key: &Key) -> Result<Recalled, Error> {
    let row: Option<(Vec<u8>, Vec<u8>)> = tx
        .fetch_optional(
            "SELECT fingerprint, answer FROM idempotency WHERE caller = ?1 AND method = ?2 AND request_id = ?3",
            params![key.caller, key.method, key.request_id],
        )
        .await?;
    Ok(recalled(key, row))
}

/// Looks requests up, whose ids are all different for each caller, whatever their methods. One answer each, in their order.
///
/// # Errors
/// What the database says.
pub async fn recall_all(tx: &mut Tx, keys: &[&Key]) -> Result<Vec<Recalled>, Error> {
    let sql = "SELECT caller, request_id, fingerprint, answer FROM idempotency
               WHERE (caller, method, request_id) IN (VALUES {(?1, ?2, ?3)})";
    let rows: Vec<_> =
        keys.iter().map(|key| vec![key.caller.bind(), key.method.bind(), key.request_id.bind()]).collect();
    let found: Vec<(String, RequestId, Vec<u8>, Vec<u8>)> = tx.fetch_many(sql, &rows).await?;
    let mut found: HashMap<_, _> = found
        .into_iter()
        .map(|(caller, request_id, fingerprint, answer)| ((caller, request_id), (fingerprint, answer)))
        .collect();
    Ok(keys.iter().map(|key| recalled(key, found.remove(&(key.caller.clone(), key.request_id)))).collect())
}

fn recalled(key: &Key, kept: Option<(Vec<u8>, Vec<u8>)>) -> Recalled {
    match kept {
        None => Recalled::New,
        Some((fingerprint, _)) if fingerprint != key.fingerprint => Recalled::Reused,
        Some((_, answer)) => Recalled::Answered(answer),
    }
}

/// Keeps the answer to a request that was [`Recalled::New`].
///
/// # Errors
/// What the database says.
pub async fn remember(tx: &mut Tx, key: &Key, answer: &[u8], now: Moment) -> Result<(), Error> {
    remember_all(tx, &[(key, answer)], now).await
}

/// Keeps the answers to requests that were [`Recalled::New`].
///
/// # Errors
/// What the database says.
pub async fn remember_all(tx: &mut Tx, answers: &[(&Key, &[u8])], now: Moment) -> Result<(), Error> {
    let rows: Vec<_> = answers
        .iter()
        .map(|(key, answer)| {
            let Key { caller, method, request_id, fingerprint } = key;
            vec![caller.bind(), method.bind(), request_id.bind(), fingerprint.bind(), answer.bind(), now.bind()]
        })
        .collect();
    tx.send_many(
        "INSERT INTO idempotency (caller, method, request_id, fingerprint, answer, answered_at)
         VALUES {(?1, ?2, ?3, ?4, ?5, ?6)}",
        &rows,
    )
    .await
}

/// Forgets answers older than [`KEPT_FOR`], at most `limit` of them, and says how many.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut Tx, now: Moment, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM idempotency WHERE (caller, method, request_id) IN
            (SELECT caller, method, request_id FROM idempotency WHERE answered_at < ?1 LIMIT ?2)",
        params![now - KEPT_FOR, limit],
    )
    .await
}
