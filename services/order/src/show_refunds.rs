//! Showing refunds: one, and many.

use bojagi_kernel::Failure;
use bojagi_kernel::id::AccountId;
use bojagi_store::Tx;

use crate::domain::{Order, OrderRefusal, Party, Refund, RefundId};
use crate::orders::Orders;
use crate::store::{self, RefundFilter};

impl Orders {
    /// A refund of the customer's or of the seller's, with its order.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, also for somebody else's.
    pub(crate) async fn show_refund(
        &self,
        account_id: AccountId,
        refund_id: RefundId,
    ) -> Result<(Refund, Order), Failure> {
        let read = async move |tx: &mut Tx| {
            let not_found = OrderRefusal::RefundNotFound { refund_id };
            let Some(order_id) = store::order_of_refund(tx, refund_id).await? else {
                return Err(Failure::from(not_found));
            };
            let order = store::load_with_refund(tx, order_id, refund_id).await?.ok_or(not_found)?;
            let refund = order.refund_of(Party::Customer(account_id), refund_id);
            let refund = refund.or_else(|_| order.refund_of(Party::Seller(account_id), refund_id))?.clone();
            Ok((refund, order))
        };
        self.context.store.read(read).await
    }

    /// The refunds that the filter lets through, each with its order; newest first.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn list_refunds(
        &self,
        filter: RefundFilter,
        after: Option<RefundId>,
        limit: i64,
    ) -> Result<Vec<(Refund, Order)>, Failure> {
        let read = async move |tx: &mut Tx| Ok(store::list_refunds(tx, &filter, after, limit).await?);
        self.context.store.read(read).await
    }
}
