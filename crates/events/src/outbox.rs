//! Telling.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::Moment;
use bojagi_kernel::id::EventId;
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Announced, Error, Tx, params};

use crate::Event;

/// How long a fact stays in the outbox at least.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Tells `fact` about the aggregate, in the unit of work that makes it true.
///
/// # Errors
/// What the database says.
pub async fn tell<M: prost::Message + prost::Name>(
    tx: &mut Tx,
    aggregate_id: Uuid,
    fact: &M,
    now: Moment,
) -> Result<EventId, Error> {
    let event_id = EventId::generate();
    let (sequence,): (i64,) = tx
        .fetch_one(
            "INSERT INTO outbox_sequence (aggregate_id, last) VALUES (?1, 1)
             ON CONFLICT (aggregate_id) DO UPDATE SET last = outbox_sequence.last + 1 RETURNING last",
            params![aggregate_id],
        )
        .await?;
    let (event_type, payload) = (M::full_name(), fact.encode_to_vec());
    let traceparent = tx.trace().map(|trace| trace.to_string());
    let (position,): (i64,) = tx
        .fetch_one(
            "INSERT INTO outbox (event_id, event_type, aggregate_id, sequence, told_at, traceparent, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING position",
            params![event_id, event_type, aggregate_id, sequence, now, traceparent, payload],
        )
        .await?;
    let trace = tx.trace();
    let event = Event { id: event_id, event_type, aggregate_id, sequence, told_at: now, trace, payload };
    tx.announce_fact(Announced { position, kind: M::NAME, fact: Arc::new(event) });
    Ok(event_id)
}

/// Forgets facts that are older than seven days and at or below `slowest`, the position up to which every group has
/// heard; at most `limit` of them. Says how many. The newest fact stays, so that positions go on from it.
///
/// # Errors
/// What the database says.
pub async fn prune(tx: &mut Tx, slowest: i64, now: Moment, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM outbox WHERE position IN
            (SELECT position FROM outbox WHERE position <= ?1 AND told_at < ?2
             AND position < (SELECT max(position) FROM outbox) ORDER BY position LIMIT ?3)",
        params![slowest, now - KEPT_FOR, limit],
    )
    .await
}
