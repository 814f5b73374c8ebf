//! Cancelling an order by its customer.

use bojagi_api::order as api;
use bojagi_chassis::once;
use bojagi_kernel::Failure;
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_store::Tx;
use bojagi_store::idempotency::Key;

use crate::domain::{CancelReason, Order, OrderRefusal};
use crate::orders::{Orders, save};
use crate::show_orders::{Shown, own_or_draft};
use crate::wire;

impl Orders {
    /// Stores the wish to cancel. What comes of it is payment's word while the order is pending, and certain once it is
    /// confirmed.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `ORDER_NOT_PLACED`, `ALREADY_CANCELLED`, `DELIVERY_BEGUN`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn cancel(
        &self,
        customer_id: AccountId,
        order_id: OrderId,
        key: Key,
    ) -> Result<api::CancelOrderResponse, Failure> {
        let (policy, now, request) = (self.policy(), self.now(), key.lock());
        let unit = async move |tx: &mut Tx| {
            let mut order = own(tx, customer_id, order_id).await?;
            let mut answer = once::within(tx, &key, now, async |tx: &mut Tx| {
                order.cancel(CancelReason::Customer, &policy, now)?;
                save(tx, &mut order, now).await?;
                Ok(api::CancelOrderResponse { order: Some(without_address(&order)) })
            })
            .await?;
            if let Some(shown) = &mut answer.order {
                shown.delivery_address = Some(wire::address(&order.address));
            }
            Ok((order, answer))
        };
        self.change(order_id, request, unit).await.map(|(_, answer)| answer)
    }
}

/// The customer's order.
///
/// # Errors
/// `ORDER_NOT_PLACED` for their draft, and `ORDER_NOT_FOUND`, also for what is somebody else's.
pub(crate) async fn own(tx: &mut Tx, customer_id: AccountId, order_id: OrderId) -> Result<Order, Failure> {
    match own_or_draft(tx, customer_id, order_id).await? {
        Shown::Order(order) => Ok(*order),
        Shown::Draft(_) => Err(OrderRefusal::OrderNotPlaced { order_id }.into()),
    }
}

/// What is kept of an answer must not hold the address, which is forgotten with the account.
fn without_address(order: &Order) -> api::Order {
    api::Order { delivery_address: None, ..wire::order(order) }
}
