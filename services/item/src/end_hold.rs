//! The end of what an order holds: it is sold, or it goes back.

use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::hold::HoldState;
use crate::domain::stock::Movement;
use crate::events::told;
use crate::store::{holds, limits, stock};

/// Turns what a confirmed order holds into a sale. Doing it again changes nothing.
///
/// # Errors
/// A confirmed order that holds nothing contradicts what item has answered; an operator has to look at it.
pub(crate) async fn sell(tx: &mut Tx, order_id: OrderId, now: Moment) -> Result<(), Failure> {
    match holds::find(tx, order_id).await?.map(|hold| hold.state) {
        Some(HoldState::Sold) => Ok(()),
        Some(HoldState::Reserved) => {
            let movements = move_all(tx, order_id, (HoldState::Reserved, HoldState::Sold), now).await?;
            told::stock_sold(tx, order_id, &movements, now).await?;
            Ok(())
        }
        Some(HoldState::Released) => {
            Err(Failure::broken(format!("order {order_id} is confirmed, but what it held was given back")))
        }
        None => Err(Failure::broken(format!("order {order_id} is confirmed, but nothing was ever held for it"))),
    }
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
    let movements = move_all(tx, order_id, (hold.state, HoldState::Released), now).await?;
    limits::give_back(tx, order_id).await?;
    told::stock_released(tx, order_id, &movements, Some(hold.state), now).await?;
    Ok(())
}

async fn move_all(
    tx: &mut Tx,
    order_id: OrderId,
    step: (HoldState, HoldState),
    now: Moment,
) -> Result<Vec<Movement>, Failure> {
    if !holds::advance(tx, order_id, step, now).await? {
        // Only where several instances write; the event is tried again and finds the new state.
        return Err(Failure::Unavailable(format!("the hold of order {order_id} is being changed").into()));
    }
    let mut movements = Vec::new();
    for held in holds::sums(tx, order_id).await? {
        movements.push(stock::shift(tx, held, step).await?);
    }
    Ok(movements)
}
