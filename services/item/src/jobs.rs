//! What the clock starts.

use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::counted;
use crate::domain::ranking::{RankingKind, hour_of};
use crate::domain::stock::{HeldPieces, Movement};
use crate::events::told;
use crate::rank_items::{last_due, rank_popular, rank_trending};
use crate::store::{holds, stock};

/// Holds that are looked at in one round at most.
const BATCH: i64 = 100;
/// How often it is looked whether another hour has begun.
const HOUR_LOOK: Duration = Duration::from_secs(1);

/// Tells and logs, once each, the orders that have been holding pieces for longer than `overdue_after`. Nothing is given
/// back: only the order's end does that.
pub(crate) async fn tell_overdue_holds(context: Context, pause: Duration, overdue_after: Duration) {
    let stop = context.stop.clone();
    tasks::every("overdue holds", pause, stop, move || tell_once(context.clone(), overdue_after)).await;
}

async fn tell_once(context: Context, overdue_after: Duration) -> Result<(), Failure> {
    let now = context.clock.now();
    let since = now - overdue_after;
    // Nearly always there is none, and then the writer is not bothered.
    let overdue: Vec<(OrderId, Moment)> = context
        .store
        .read(async move |tx: &mut Tx| holds::overdue(tx, since, BATCH).await.map_err(Failure::from))
        .await?;
    for (order_id, reserved_at) in overdue {
        let told =
            context.store.write(async move |tx: &mut Tx| tell_overdue(tx, order_id, reserved_at, now).await).await?;
        if told {
            counted::overdue();
            tracing::error!(%order_id, %reserved_at, "an order holds stock and has not ended");
        }
    }
    Ok(())
}

/// False when the order has ended meanwhile, or another instance has told it.
async fn tell_overdue(tx: &mut Tx, order_id: OrderId, reserved_at: Moment, now: Moment) -> Result<bool, Failure> {
    if !holds::mark_overdue(tx, order_id).await? {
        return Ok(false);
    }
    let mut held = Vec::new();
    for HeldPieces { option_id, item_id, quantity } in holds::sums(tx, order_id).await? {
        held.push(Movement { option_id, item_id, quantity, available: stock::available(tx, option_id).await? });
    }
    told::hold_overdue(tx, order_id, reserved_at, &held, now).await?;
    Ok(true)
}

/// Computes each day at `hour` what is popular. A day that was slept through is caught up, and what was never computed is
/// computed at once.
pub(crate) async fn rank_popular_items(context: Context, hour: i8) {
    let (clock, calendar, stop) = (Arc::clone(&context.clock), context.calendar.clone(), context.stop.clone());
    let looking = context.clone();
    let last_done = async move || last_due(&looking, RankingKind::Popular).await;
    let work = async move |due| rank_popular(&context, due).await;
    tasks::daily("what is popular", hour, clock, calendar, stop, last_done, work).await;
}

/// Computes each hour what trends; what was never computed, at once.
pub(crate) async fn rank_trending_items(context: Context) {
    let stop = context.stop.clone();
    tasks::every("what trends", HOUR_LOOK, stop, move || rank_trending_if_due(context.clone())).await;
}

async fn rank_trending_if_due(context: Context) -> Result<(), Failure> {
    let due = hour_of(context.clock.now());
    if last_due(&context, RankingKind::Trending).await?.is_none_or(|done| done < due) {
        rank_trending(&context, due).await?;
    }
    Ok(())
}
