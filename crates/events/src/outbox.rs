//! Telling.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::Moment;
use bojagi_kernel::id::EventId;
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Announced, Bind, Error, Kind, LogEntry, Tx, Value, params};
use bojagi_telemetry::TraceContext;

use crate::Event;

/// How long a fact stays in the outbox at least.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Numbers the facts of an aggregate without gaps: after the last one that is kept, or else that was pruned.
const INSERT: &str =
    "INSERT INTO outbox (event_id, event_type, aggregate_id, sequence, told_at, traceparent, tracestate, payload)
     VALUES {(?1, ?2, ?3, 1 + coalesce((SELECT max(sequence) FROM outbox WHERE aggregate_id = ?3),
                                       (SELECT last FROM outbox_pruned WHERE aggregate_id = ?3), 0), ?4, ?5, ?6, ?7)}
     RETURNING aggregate_id, position, sequence";

/// A fact that is told together with others.
pub struct Told<M> {
    /// What it happened to.
    pub aggregate_id: Uuid,
    /// The trace of the call that caused it.
    pub trace: Option<TraceContext>,
    /// The message.
    pub fact: M,
}

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
    let event = event(aggregate_id, tx.trace().cloned(), fact, now);
    let event_id = event.id;
    insert::<M>(tx, vec![event]).await?;
    Ok(event_id)
}

/// Tells facts of one kind about as many aggregates, each of which is there once.
///
/// # Errors
/// What the database says.
pub async fn tell_all<M: prost::Message + prost::Name>(
    tx: &mut Tx,
    facts: &[Told<M>],
    now: Moment,
) -> Result<(), Error> {
    let events = facts.iter().map(|told| event(told.aggregate_id, told.trace.clone(), &told.fact, now));
    insert::<M>(tx, events.collect()).await
}

/// What is told, but for its number, which its row is given.
fn event<M: prost::Message + prost::Name>(
    aggregate_id: Uuid,
    trace: Option<TraceContext>,
    fact: &M,
    told_at: Moment,
) -> Event {
    let (id, event_type, payload) = (EventId::generate(), M::full_name(), fact.encode_to_vec());
    Event { id, event_type, aggregate_id, sequence: 0, told_at, trace, payload }
}

async fn insert<M: prost::Name>(tx: &mut Tx, events: Vec<Event>) -> Result<(), Error> {
    let entries = events.into_iter().map(|event| -> Box<dyn LogEntry> {
        let traceparent = event.trace.as_ref().map(ToString::to_string);
        Box::new(Entry { kind: M::NAME, traceparent, event })
    });
    tx.append(entries.collect()).await
}

/// A fact on its way into the outbox.
struct Entry {
    kind: &'static str,
    traceparent: Option<String>,
    event: Event,
}

impl LogEntry for Entry {
    fn statement(&self) -> &'static str {
        INSERT
    }

    fn aggregate_id(&self) -> Uuid {
        self.event.aggregate_id
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn values(&self) -> Vec<Value<'_>> {
        let Self { traceparent, event, .. } = self;
        let tracestate = event.trace.as_ref().and_then(TraceContext::tracestate);
        vec![
            event.id.bind(),
            event.event_type.bind(),
            event.aggregate_id.bind(),
            event.told_at.bind(),
            traceparent.bind(),
            tracestate.map_or(Value::Null(Kind::Text), Value::Text),
            event.payload.bind(),
        ]
    }

    fn placed(self: Box<Self>, position: i64, sequence: i64) -> Announced {
        Announced { position, kind: self.kind, fact: Arc::new(Event { sequence, ..self.event }) }
    }
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
