//! The operator's hand in the work behind orders.

use bojagi_kernel::Failure;
use bojagi_kernel::id::OrderId;
use bojagi_store::Tx;

use bojagi_api::order as api;
use bojagi_chassis::once;
use bojagi_store::idempotency::Key;

use crate::domain::{Order, OrderRefusal, RefundId, Step};
use crate::orders::{Orders, save};
use crate::rpc::saga_message;
use crate::store::{self, SagaFilter};

/// What the operator does.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Drive it again, attempts counted from 0.
    Retry,
    /// Turn it round, for this reason.
    Compensate(String),
    /// Take what it stopped at as done, for this reason; of approved refunds these, or all that were refused for good.
    Resolve(Vec<RefundId>, String),
}

impl Orders {
    /// An order with what is recorded of its steps.
    ///
    /// # Errors
    /// `SAGA_NOT_FOUND`.
    pub(crate) async fn show_saga(&self, order_id: OrderId) -> Result<(Order, Vec<Step>), Failure> {
        let read = async move |tx: &mut Tx| {
            let order = any(tx, order_id).await?;
            let steps = store::steps_of_order(tx, order_id).await?;
            Ok((order, steps))
        };
        self.context.store.read(read).await
    }

    /// Orders as the work behind them stands, oldest first.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn list_sagas(
        &self,
        filter: SagaFilter,
        after: Option<OrderId>,
        limit: i64,
    ) -> Result<Vec<Order>, Failure> {
        self.context.store.read(async move |tx: &mut Tx| Ok(store::sagas(tx, filter, after, limit).await?)).await
    }

    /// Does what the operator wants, and answers how the saga stands then.
    ///
    /// # Errors
    /// `SAGA_NOT_FOUND`, `SAGA_NOT_PARKED`, `SAGA_DONE`, `DELIVERY_BEGUN`, `REFUND_NOT_FOUND`, `REFUND_NOT_PARKED`,
    /// `PAYMENT_UNDECIDED`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn operate(
        &self,
        order_id: OrderId,
        operation: Operation,
        key: Key,
    ) -> Result<api::Saga, Failure> {
        let (policy, now, request) = (self.policy(), self.now(), key.lock());
        let unit = async move |tx: &mut Tx| {
            let mut order = any(tx, order_id).await?;
            let answer = once::within(tx, &key, now, async |tx: &mut Tx| {
                let resolved = match operation {
                    Operation::Retry => order.retry(&policy, now).map(|()| Vec::new())?,
                    Operation::Compensate(reason) => order.compensate(reason, &policy, now).map(|()| Vec::new())?,
                    Operation::Resolve(settled, reason) => order.resolve(&settled, reason, &policy, now)?,
                };
                save(tx, &mut order, now).await?;
                store::resolved(tx, order_id, &resolved, now).await?;
                store::forget_attempts(tx, order_id).await?;
                let steps = store::steps_of_order(tx, order_id).await?;
                Ok(saga_message(&order, Some(&steps)))
            })
            .await?;
            Ok((order, answer))
        };
        self.change(order_id, request, unit).await.map(|(_, answer)| answer)
    }
}

async fn any(tx: &mut Tx, order_id: OrderId) -> Result<Order, Failure> {
    store::load(tx, order_id).await?.ok_or_else(|| OrderRefusal::SagaNotFound { order_id }.into())
}
