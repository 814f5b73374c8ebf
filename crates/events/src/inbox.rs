//! Hearing: applying a batch of events in one unit of work.

use std::sync::Arc;

use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Tx, params};
use bojagi_telemetry::Details;

use crate::{Event, Hears, set_aside, spans};

/// Applies `events` in their order, all or none. An event heard before has no second effect.
pub(crate) async fn apply_together(
    tx: &mut Tx,
    hears: &Hears,
    events: &[Arc<Event>],
    now: Moment,
) -> Result<(), Failure> {
    // What is about them is locked, and setting aside locks the store, so the answer stays true.
    if set_aside::any_about(tx, hears.group(), events).await? {
        return Err(Failure::Unavailable("earlier events about the same are set aside".into()));
    }
    for event in events {
        apply_once(tx, hears, event, now).await?;
    }
    Ok(())
}

/// Applies `events` in their order. An event heard before has no second effect; one whose reaction fails is set aside,
/// together with those that follow for the same aggregate. An error means that nothing of the batch happened.
pub(crate) async fn apply_one_by_one(
    tx: &mut Tx,
    hears: &Hears,
    events: &[Arc<Event>],
    now: Moment,
) -> Result<(), Failure> {
    for event in events {
        if set_aside::blocks(tx, hears.group(), event).await? {
            set_aside::queue(tx, hears.group(), event, now).await?;
            continue;
        }
        let applied = tx.nested(async |tx: &mut Tx| apply_once(tx, hears, event, now).await).await;
        if let Err(failure) = applied {
            tracing::warn!(group = hears.group(), event = %event.id, kind = event.event_type, %failure, "a reaction failed");
            set_aside::after_failure(tx, hears.group(), event, &failure, now).await?;
        }
    }
    Ok(())
}

/// Applies one event unless it was heard before.
pub(crate) async fn apply_once(tx: &mut Tx, hears: &Hears, event: &Event, now: Moment) -> Result<(), Failure> {
    let newer = tx
        .execute(
            "INSERT INTO inbox_sequence (consumer, topic, aggregate_id, last) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (consumer, topic, aggregate_id) DO UPDATE SET last = excluded.last
             WHERE inbox_sequence.last < excluded.last",
            params![hears.group(), event.topic(), event.aggregate_id, event.sequence],
        )
        .await?;
    if newer == 0 {
        return Ok(());
    }
    tx.send(
        "INSERT INTO inbox (consumer, event_id, handled_at) VALUES (?1, ?2, ?3)",
        params![hears.group(), event.id, now],
    )
    .await?;
    // What the reaction tells is part of the story that the fact belongs to.
    let mut span = spans::reaction(hears.group(), event);
    tx.continue_trace(span.context());
    let reacted = hears.react(tx, event).await;
    if reacted.is_err() {
        span.describe(Details::fail);
    }
    reacted
}
