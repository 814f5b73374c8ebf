//! After the end of the way forward: the money of approved refunds goes back.

use std::time::Duration;

use bojagi_chassis::tasks;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, LockKey, Tx};

use crate::domain::{Fault, Order, RefundId};
use crate::orders::{Orders, save};
use crate::participants::Setback;
use crate::store;

/// The pause between looks for refunds that were let go. Only while a new version comes in there can be any.
const PAUSE: Duration = Duration::from_secs(30);

impl Orders {
    /// Asks payment to give back the money of one refund. Its id is the key, so whoever asks, and however often, it goes back once.
    pub(super) async fn give_back(&self, order: &mut Order, refund_id: RefundId) {
        let Some(refund) = order.refund(refund_id) else { return };
        let outcome = self.participants.give_back(order, refund).await;
        let (policy, now) = (self.policy(), self.now());
        let (fault, error) = match outcome {
            Ok(refunded_at) => return order.gave_back(refund_id, refunded_at, &policy, now),
            Err(Setback::Refused(refusal)) => (Fault::Refused, refusal.to_string()),
            Err(Setback::Unanswered(error)) => (Fault::Unanswered, error),
            Err(Setback::Unresolved) => (Fault::Unanswered, "the outcome is unknown".to_owned()),
        };
        order.give_back_failed(refund_id, fault, &error, &policy, now);
        tracing::warn!(order = %order.id, refund = %refund_id, error, saga = %order.saga.state, "money did not go back");
    }

    /// Takes up refunds that a process of the version before has let go: it knows only that a confirmed order has nothing left
    /// to do. Looks at the start, and then until the process is to end.
    pub(crate) async fn take_up_what_was_let_go(self) {
        let stop = self.context.stop.clone();
        let look = move || {
            let orders = self.clone();
            async move { orders.take_up().await }
        };
        tasks::every("taking up refunds", PAUSE, stop, look).await;
    }

    async fn take_up(&self) -> Result<(), Failure> {
        let found = self.context.store.read(async |tx: &mut Tx| store::let_go(tx).await).await;
        for order_id in found.map_err(|error: Error| Failure::from(error))? {
            let now = self.now();
            let unit = async move |tx: &mut Tx| take_up_refunds_of(tx, order_id, now).await;
            match self.context.store.write_locking([LockKey::of(order_id)], unit).await {
                Ok(()) => self.nudge.notify_one(),
                // It holds up no other.
                Err(failure) => {
                    tracing::warn!(order = %order_id, %failure, "refunds that were let go are not taken up yet")
                }
            }
        }
        Ok(())
    }
}

async fn take_up_refunds_of(tx: &mut Tx, order_id: OrderId, now: Moment) -> Result<(), Failure> {
    let Some(mut order) = store::load(tx, order_id).await? else { return Ok(()) };
    if order.take_up_give_backs(now) {
        save(tx, &mut order, now).await?;
        tracing::info!(order = %order_id, "refunds that were let go are taken up");
    }
    Ok(())
}
