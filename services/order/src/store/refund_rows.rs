//! Rows of refunds, and refunds of rows.

use std::collections::HashMap;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OrderId, OrderLineId, StoreId};
use bojagi_store::{Bind, Error, Tx, from_row};

use crate::domain::{Asking, DeliveryId, Refund, RefundId, RefundLine, RefundMoney, RefundState, Share};

/// The columns of a refund, in the order of [`RefundRow`].
pub(super) const REFUND_COLUMNS: &str = "refund_id, order_id, delivery_id, store_id, seller_id, state, money, restock, \
    requested_at, decided_at, refunded_at, attempts, failed_attempts, refusals, next_at, reason, rejection, last_error";

/// One row of the table `refund`.
pub(super) struct RefundRow {
    refund_id: RefundId,
    order_id: OrderId,
    delivery_id: DeliveryId,
    store_id: StoreId,
    seller_id: AccountId,
    state: RefundState,
    money: RefundMoney,
    restock: bool,
    requested_at: Moment,
    decided_at: Option<Moment>,
    refunded_at: Option<Moment>,
    attempts: i64,
    failed_attempts: i64,
    refusals: i64,
    next_at: Option<Moment>,
    reason: String,
    rejection: Option<String>,
    last_error: String,
}

from_row!(RefundRow {
    refund_id,
    order_id,
    delivery_id,
    store_id,
    seller_id,
    state,
    money,
    restock,
    requested_at,
    decided_at,
    refunded_at,
    attempts,
    failed_attempts,
    refusals,
    next_at,
    reason,
    rejection,
    last_error,
});

struct LineRow {
    refund_id: RefundId,
    order_line_id: OrderLineId,
    quantity: i64,
    gross: i64,
    net: i64,
    platform_discount: i64,
    seller_discount: i64,
}

from_row!(LineRow { refund_id, order_line_id, quantity, gross, net, platform_discount, seller_discount });

/// Refunds with their lines, in the order of their rows, each with the order that it belongs to.
pub(super) async fn complete(tx: &mut Tx, rows: Vec<RefundRow>) -> Result<Vec<(OrderId, Refund)>, Error> {
    let keys: Vec<_> = rows.iter().map(|row| vec![row.refund_id.bind()]).collect();
    let lines: Vec<LineRow> = tx
        .fetch_many(
            "SELECT refund_id, order_line_id, quantity, gross, net, platform_discount, seller_discount FROM refund_line
             WHERE refund_id IN ({?1}) ORDER BY line_number",
            &keys,
        )
        .await?;
    // The lines of one refund come from one statement, so they stay in their order.
    let mut of_refunds: HashMap<RefundId, Vec<RefundLine>> = HashMap::new();
    for LineRow { refund_id, order_line_id, quantity, gross, net, platform_discount, seller_discount } in lines {
        let share = Share { gross, net, platform_discount, seller_discount };
        of_refunds.entry(refund_id).or_default().push(RefundLine { order_line_id, quantity, share });
    }
    let whole = |row: RefundRow| {
        let lines = of_refunds.remove(&row.refund_id).unwrap_or_default();
        (row.order_id, row.into_refund(lines))
    };
    Ok(rows.into_iter().map(whole).collect())
}

impl RefundRow {
    fn into_refund(self, lines: Vec<RefundLine>) -> Refund {
        Refund {
            id: self.refund_id,
            delivery_id: self.delivery_id,
            store_id: self.store_id,
            seller_id: self.seller_id,
            state: self.state,
            money: self.money,
            lines,
            reason: self.reason,
            rejection: self.rejection,
            restock: self.restock,
            requested_at: self.requested_at,
            decided_at: self.decided_at,
            refunded_at: self.refunded_at,
            asking: Asking {
                attempts: self.attempts,
                failed_attempts: self.failed_attempts,
                refusals: self.refusals,
                last_error: self.last_error,
                next_at: self.next_at,
            },
        }
    }
}
