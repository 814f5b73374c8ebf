//! What the clock starts: asking the provider again about what it has not answered for good.
//!
//! After a crash these are the attempts whose outcome nobody heard; while it runs, those whose answer was lost. Each is
//! left alone for a while after it was asked, so that a call that is still going on is not raced; within this process it
//! would be joined. Of several processes that find the same, one asks.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, Tx};
use futures::StreamExt;

use crate::desk::{Desk, Errand, of_charge, of_payment, of_refund};
use crate::store::{charges, payments, refunds};

/// Things of each kind that are asked about in one round at most.
const BATCH: i64 = 256;
/// Questions that go on at once.
const AT_ONCE: usize = 16;

/// Asks about everything that was asked last before `after` ago.
pub(crate) async fn recover(desk: Arc<Desk>, after: Duration) -> Result<(), Failure> {
    let before = desk.now() - after;
    let waiting = waiting(&desk, before).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    tracing::info!(count = waiting.len(), "asking the payment provider about what it has not answered");
    let asked = futures::stream::iter(waiting)
        .map(|errand| {
            let desk = Arc::clone(&desk);
            async move { desk.ask_again(errand).await }
        })
        .buffer_unordered(AT_ONCE);
    // What went wrong with one is logged where it did, and the next round comes to it again.
    asked.for_each(async |_| {}).await;
    Ok(())
}

async fn waiting(desk: &Desk, before: Moment) -> Result<Vec<Errand>, Failure> {
    let found: Result<_, Error> = desk
        .store
        .read(async move |tx: &mut Tx| {
            let mut errands = Vec::new();
            errands.extend(payments::waiting(tx, before, BATCH).await?.iter().filter_map(of_payment));
            let charges = charges::waiting(tx, before, BATCH).await?;
            errands.extend(charges.iter().filter_map(of_charge));
            for refund in refunds::waiting(tx, before, BATCH).await? {
                let payment = payments::of_order(tx, refund.order_id).await?;
                errands.extend(payment.and_then(|payment| of_refund(&refund, &payment)));
            }
            Ok(errands)
        })
        .await;
    Ok(found?)
}
