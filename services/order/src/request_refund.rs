//! Asking for pieces to be taken back, by the customer.

use bojagi_api::order as api;
use bojagi_chassis::once;
use bojagi_kernel::id::{AccountId, OrderId, OrderLineId};
use bojagi_kernel::refusal::Refuses;
use bojagi_kernel::{Failure, Violation};
use bojagi_store::Tx;
use bojagi_store::idempotency::Key;

use crate::cancel_order::own;
use crate::domain::{NewRefund, OrderRefusal};
use crate::orders::{Orders, save};
use crate::store::{self, Taken};
use crate::wire;

impl Orders {
    /// Stores the wish, if the pieces are there to be given back: those of a line that are asked back and those that were given
    /// back are counted together, and never more than were bought.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `ORDER_NOT_PLACED`, `ORDER_NOT_CONFIRMED`, `ORDER_LINE_NOT_FOUND`, `REFUND_OF_TWO_STORES`, `DELIVERY_NOT_BEGUN`,
    /// `REFUND_LIMIT`, `REFUND_EXCEEDS_PURCHASE`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn request_refund(
        &self,
        customer_id: AccountId,
        order_id: OrderId,
        new: NewRefund,
        key: Key,
    ) -> Result<api::RequestRefundResponse, Failure> {
        let (now, request) = (self.now(), key.lock());
        let unit = async move |tx: &mut Tx| {
            let mut order = own(tx, customer_id, order_id).await?;
            let words = new.reason.clone();
            let mut answer = once::within(tx, &key, now, async |tx: &mut Tx| {
                let (refund_id, lines) = (new.id, new.lines.clone());
                let refuse = |refusal| refused_line(refusal, &lines);
                order.request_refund(new, now).map_err(refuse)?;
                if let Taken::TooMany { order_line_id, refundable } = store::take_units(tx, &order, &lines).await? {
                    return Err(refuse(OrderRefusal::RefundExceedsPurchase { order_line_id, refundable }));
                }
                save(tx, &mut order, now).await?;
                let refund = order.refund(refund_id).map(|refund| wire::refund_without_words(&order, refund));
                Ok(api::RequestRefundResponse { refund })
            })
            .await?;
            // Whoever comes again under the same id brought them along.
            if let Some(shown) = &mut answer.refund {
                shown.reason = words;
            }
            Ok((order, answer))
        };
        self.change(order_id, request, unit).await.map(|(_, answer)| answer)
    }
}

/// A refusal that is about a line names the field of the line.
fn refused_line(refusal: OrderRefusal, lines: &[(OrderLineId, i64)]) -> Failure {
    let (order_line_id, field) = match &refusal {
        OrderRefusal::OrderLineNotFound { order_line_id } | OrderRefusal::RefundOfTwoStores { order_line_id, .. } => {
            (*order_line_id, "order_line_id")
        }
        OrderRefusal::RefundExceedsPurchase { order_line_id, .. } => (*order_line_id, "quantity"),
        _ => return refusal.into(),
    };
    let mut told = refusal.refusal();
    if let Some(index) = lines.iter().position(|(id, _)| *id == order_line_id) {
        told.violations.push(Violation::new(format!("lines[{index}].{field}"), &refusal));
    }
    told.into()
}
