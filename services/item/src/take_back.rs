//! Pieces that a customer gave back: they are sold no more for the rankings, and, if their seller wants to sell them again, go from
//! sold to available, once a refund.

use bojagi_events::too_early;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::hold::HoldState;
use crate::domain::refund::{Refund, RefundId, by_option, sold_lines};
use crate::events::told;
use crate::store::{holds, limits, refunds, stock};

/// The step from sold back to the shelf.
const BACK: (HoldState, HoldState) = (HoldState::Sold, HoldState::Released);

/// Takes pieces of a sold order back. Doing it again for the same refund changes nothing. Those that come back to the shelf count no
/// more for the limit of their customer.
///
/// # Errors
/// It is too early while the order still holds its pieces: that it was confirmed is on its way. An order that holds nothing, a line
/// that is not in it, and more pieces than it had contradict what item has done; an operator has to look at it.
pub(crate) async fn take_back(tx: &mut Tx, refund: &Refund, now: Moment) -> Result<(), Failure> {
    if !refunds::begin(tx, refund, now).await? {
        return Ok(());
    }
    let order_id = refund.order_id;
    let hold = holds::find(tx, order_id).await?.filter(|hold| hold.state != HoldState::Released);
    let hold = hold.ok_or_else(|| contradicts(refund.id, "its order holds nothing that was sold"))?;
    if hold.state == HoldState::Reserved {
        return Err(too_early(format!("that order {order_id} is confirmed is not heard yet")));
    }
    let sold = holds::lines(tx, order_id).await?;
    let lines =
        sold_lines(&sold, &refund.lines).ok_or_else(|| contradicts(refund.id, "a line was not sold to its order"))?;
    for (line, quantity) in &lines {
        refunds::count(tx, refund, line, *quantity).await?;
    }
    if !refund.restock {
        return Ok(());
    }
    let mut movements = Vec::new();
    for pieces in by_option(&lines) {
        movements.push(stock::shift(tx, pieces, BACK).await?);
        limits::give_back(tx, (pieces.option_id, hold.customer_id), pieces.quantity).await?;
    }
    told::stock_restocked(tx, order_id, refund.id, &movements, now).await?;
    Ok(())
}

fn contradicts(refund_id: RefundId, problem: &str) -> Failure {
    Failure::broken(format!("refund {refund_id} brings pieces back, but {problem}"))
}
