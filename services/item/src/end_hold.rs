//! The end of what an order holds: it is sold, or it goes back.

use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::hold::HoldState;
use crate::domain::stock::Movement;
use crate::events::told;
use crate::store::{holds, limits, refunds, stock};

/// The step from held to sold.
const SOLD: (HoldState, HoldState) = (HoldState::Reserved, HoldState::Sold);

/// Turns what a confirmed order holds into a sale. Doing it again changes nothing.
///
/// # Errors
/// A confirmed order that holds nothing contradicts what item has answered; an operator has to look at it.
pub(crate) async fn sell(tx: &mut Tx, order_id: OrderId, now: Moment) -> Result<(), Failure> {
    if holds::advance(tx, order_id, SOLD, now).await? {
        let movements = shift_all(tx, order_id, SOLD).await?;
        told::stock_sold(tx, order_id, &movements, now).await?;
        return Ok(());
    }
    let problem = match holds::find(tx, order_id).await?.map(|hold| hold.state) {
        Some(HoldState::Sold) => return Ok(()),
        Some(_) => "what it held was given back",
        None => "nothing was ever held for it",
    };
    Err(Failure::broken(format!("order {order_id} is confirmed, but {problem}")))
}

/// Gives back what a failed or cancelled order holds, and keeps later asks of the order out, also when it holds nothing.
/// Doing it again changes nothing.
pub(crate) async fn release(
    tx: &mut Tx,
    order_id: OrderId,
    customer_id: AccountId,
    now: Moment,
) -> Result<(), Failure> {
    if holds::open_ended(tx, order_id, customer_id, now).await? {
        told::stock_released(tx, order_id, &[], None, now).await?;
        return Ok(());
    }
    let hold = holds::find(tx, order_id).await?.ok_or(bojagi_store::Error::NoRow)?;
    if hold.state == HoldState::Released {
        return Ok(());
    }
    let step = (hold.state, HoldState::Released);
    // The order is locked, so nobody can have moved its hold since it was read.
    if !holds::advance(tx, order_id, step, now).await? {
        return Err(Failure::broken(format!("the hold of order {order_id} is not what it was a moment ago")));
    }
    let movements = shift_all(tx, order_id, step).await?;
    for Movement { option_id, quantity, .. } in &movements {
        limits::give_back(tx, (*option_id, hold.customer_id), *quantity).await?;
    }
    told::stock_released(tx, order_id, &movements, Some(hold.state), now).await?;
    Ok(())
}

async fn shift_all(tx: &mut Tx, order_id: OrderId, step: (HoldState, HoldState)) -> Result<Vec<Movement>, Failure> {
    let mut pieces = holds::sums(tx, order_id).await?;
    if step.0 == HoldState::Sold {
        refunds::take_off(tx, order_id, &mut pieces).await?;
    }
    let mut movements = Vec::new();
    for held in pieces {
        movements.push(stock::shift(tx, held, step).await?);
    }
    Ok(movements)
}
