//! What the clock starts.

use std::time::Duration;

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::counted;
use crate::domain::stock::{HeldPieces, Movement};
use crate::events::told;
use crate::store::{holds, stock};

/// Holds that are looked at in one round at most.
const BATCH: i64 = 100;

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
