//! Telling.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::Moment;
use bojagi_kernel::id::EventId;
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Announced, Error, Tx, params};
use bojagi_telemetry::TraceContext;

use crate::Event;

/// How long a fact stays in the outbox at least.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Numbers the facts of an aggregate without gaps: after the last one that is kept, or else that was pruned.
const INSERT: &str =
    "INSERT INTO outbox (event_id, event_type, aggregate_id, sequence, told_at, traceparent, tracestate, payload)
     VALUES (?1, ?2, ?3, 1 + coalesce((SELECT max(sequence) FROM outbox WHERE aggregate_id = ?3),
                                      (SELECT last FROM outbox_pruned WHERE aggregate_id = ?3), 0), ?4, ?5, ?6, ?7)
     RETURNING position, sequence";

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
    let (event_type, payload) = (M::full_name(), fact.encode_to_vec());
    let trace = tx.trace().cloned();
    let traceparent = trace.as_ref().map(ToString::to_string);
    let tracestate = trace.as_ref().and_then(TraceContext::tracestate);
    let params = params![event_id, event_type, aggregate_id, now, traceparent, tracestate, payload];
    let (position, sequence): (i64, i64) = tx.fetch_one(INSERT, params).await?;
    let event = Event { id: event_id, event_type, aggregate_id, sequence, told_at: now, trace, payload };
    tx.announce_fact(Announced { position, kind: M::NAME, fact: Arc::new(event) });
    Ok(event_id)
}

/// Forgets facts that are older than seven days and at or below `slowest`, the position up to which every group has
/// heard; at most `limit` of them, from the oldest on. Says how many. The newest fact stays, so that positions go on from it.
///
/// # Errors
/// What the database says.
pub async fn prune(tx: &mut Tx, slowest: i64, now: Moment, limit: i64) -> Result<u64, Error> {
    let oldest: Vec<(i64, Moment)> = tx
        .fetch_all(
            "SELECT position, told_at FROM outbox
             WHERE position <= ?1 AND position < (SELECT max(position) FROM outbox) ORDER BY position LIMIT ?2",
            params![slowest, limit],
        )
        .await?;
    // Nothing behind a fact that stays, whatever the clock said: the last number of an aggregate is that of its last kept fact.
    let old = oldest.iter().take_while(|(_, told_at)| *told_at < now - KEPT_FOR);
    let Some((last, _)) = old.last() else { return Ok(0) };
    tx.execute(
        "INSERT INTO outbox_pruned (aggregate_id, last)
         SELECT aggregate_id, max(sequence) FROM outbox WHERE position <= ?1 GROUP BY aggregate_id
         ON CONFLICT (aggregate_id) DO UPDATE SET last = excluded.last",
        params![last],
    )
    .await?;
    tx.execute("DELETE FROM outbox WHERE position <= ?1", params![last]).await
}
