//! Pieces that a customer gave back, and that the seller wants to sell again: sold becomes available, once a refund.

use bojagi_events::too_early;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::hold::HoldState;
use crate::domain::restock::{RefundId, Returned, by_option, sold_lines};
use crate::events::told;
use crate::store::{holds, limits, restocks, stock};

/// The step from sold back to the shelf.
const BACK: (HoldState, HoldState) = (HoldState::Sold, HoldState::Released);

/// Brings pieces of a sold order back. Doing it again for the same refund changes nothing. They count no more for the limit of
/// their customer.
///
/// # Errors
/// It is too early while the order still holds its pieces: that it was confirmed is on its way. An order that holds nothing, a line
/// that is not in it, and more pieces than it had contradict what item has done; an operator has to look at it.
pub(crate) async fn restock(
    tx: &mut Tx,
    order_id: OrderId,
    refund_id: RefundId,
    returned: &[Returned],
    now: Moment,
) -> Result<(), Failure> {
    if !restocks::begin(tx, refund_id, order_id, now).await? {
        return Ok(());
    }
    let hold = holds::find(tx, order_id).await?.filter(|hold| hold.state != HoldState::Released);
    let hold = hold.ok_or_else(|| contradicts(refund_id, "its order holds nothing that was sold"))?;
    if hold.state == HoldState::Reserved {
        return Err(too_early(format!("that order {order_id} is confirmed is not heard yet")));
    }
    let sold = holds::lines(tx, order_id).await?;
    let lines =
        sold_lines(&sold, returned).ok_or_else(|| contradicts(refund_id, "a line was not sold to its order"))?;
    for (line, quantity) in &lines {
        restocks::count(tx, order_id, line, *quantity).await?;
    }
    let mut movements = Vec::new();
    for pieces in by_option(&lines) {
        movements.push(stock::shift(tx, pieces, BACK).await?);
        limits::give_back(tx, (pieces.option_id, hold.customer_id), pieces.quantity).await?;
    }
    told::stock_restocked(tx, order_id, refund_id, &movements, now).await?;
    Ok(())
}

fn contradicts(refund_id: RefundId, problem: &str) -> Failure {
    Failure::broken(format!("refund {refund_id} brings pieces back, but {problem}"))
}
