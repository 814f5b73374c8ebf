//! The facts of refunds: told under the order's id, with what they are about and without anybody's words.

use bojagi_api::order as api;
use bojagi_chassis::wire::{money, timestamp};
use bojagi_kernel::Moment;
use bojagi_store::{Error, Tx};

use crate::domain::{Order, Refund, RefundId, RefundState};

/// Tells that a refund was asked for, or what was decided: what it is says which.
pub(super) async fn tell(tx: &mut Tx, order: &Order, refund_id: RefundId, now: Moment) -> Result<(), Error> {
    let Some(refund) = order.refund(refund_id) else { return Ok(()) };
    let (order_id, customer_id) = (order.id.to_string(), order.customer_id.to_string());
    let (store_id, seller_id) = (refund.store_id.to_string(), refund.seller_id.to_string());
    let (refund_id, lines, at) = (refund_id.to_string(), lines(order, refund), Some(timestamp(now)));
    let key = order.id.into();
    let told = match refund.state {
        RefundState::Requested => {
            let fact =
                api::RefundRequested { order_id, refund_id, customer_id, store_id, seller_id, lines, requested_at: at };
            bojagi_events::tell(tx, key, &fact, now).await
        }
        RefundState::Approved => {
            let fact = api::RefundApproved {
                order_id,
                refund_id,
                customer_id,
                store_id,
                seller_id,
                lines,
                restock: refund.restock,
                amount: Some(money(order.money(refund.amount()))),
                approved_at: at,
            };
            bojagi_events::tell(tx, key, &fact, now).await
        }
        RefundState::Rejected => {
            let fact =
                api::RefundRejected { order_id, refund_id, customer_id, store_id, seller_id, lines, rejected_at: at };
            bojagi_events::tell(tx, key, &fact, now).await
        }
        RefundState::Withdrawn => {
            let fact =
                api::RefundWithdrawn { order_id, refund_id, customer_id, store_id, seller_id, lines, withdrawn_at: at };
            bojagi_events::tell(tx, key, &fact, now).await
        }
    };
    told.map(drop)
}

fn lines(order: &Order, refund: &Refund) -> Vec<api::RefundFactLine> {
    let lines = refund.lines.iter().filter_map(|wanted| {
        let line = order.lines.iter().find(|line| line.id == wanted.order_line_id)?;
        Some(api::RefundFactLine {
            order_line_id: line.id.to_string(),
            option_id: line.option_id.to_string(),
            item_id: line.sold.as_ref().map(|sold| sold.item_id.to_string()).unwrap_or_default(),
            quantity: wanted.quantity,
        })
    });
    lines.collect()
}
