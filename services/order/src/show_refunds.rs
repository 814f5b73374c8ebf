//! Showing refunds: one, and many.

use bojagi_kernel::Failure;
use bojagi_store::Tx;

use crate::domain::{Order, OrderRefusal, Party, Refund, RefundId};
use crate::orders::Orders;
use crate::store::{self, RefundFilter};

impl Orders {
    /// A refund that one of these parties may see, with its order.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, also for somebody else's.
    pub(crate) async fn show_refund(
        &self,
        parties: Vec<Party>,
        refund_id: RefundId,
    ) -> Result<(Refund, Order), Failure> {
        let read = async move |tx: &mut Tx| {
            let not_found = OrderRefusal::RefundNotFound { refund_id };
            let Some(order_id) = store::order_of_refund(tx, refund_id).await? else {
                return Err(Failure::from(not_found));
            };
            let Some(order) = store::load_with_refund(tx, order_id, refund_id).await? else {
                return Err(Failure::from(not_found));
            };
            let shown = parties.iter().find_map(|party| order.refund_of(*party, refund_id).ok());
            let refund = shown.ok_or(not_found)?.clone();
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
