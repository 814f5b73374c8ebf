//! Holding the pieces of an order.
//!
//! This is the hottest unit of work in the shop: in a rush, thousands of orders ask for one option at once. It loads what
//! it needs by key, lets the pure rule decide, and then writes; an order of one line costs seven statements. A refusal,
//! which in a rush is the most frequent answer, writes nothing and so costs only its two reads.

use bojagi_chassis::CommonRefusal;
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::hold::{self, HeldLine, Hold, HoldState};
use crate::domain::refusal::StockRefusal;
use crate::domain::reservation::{self, AskedLine, Taking};
use crate::domain::stock::Movement;
use crate::events::told;
use crate::store::{holds, limits, stock};

/// What an order asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) order_id: OrderId,
    pub(crate) customer_id: AccountId,
    pub(crate) lines: Vec<AskedLine>,
}

/// Holds all lines of an order or none. Asked again, it answers what the order holds now.
pub(crate) async fn reserve_stock(
    tx: &mut Tx,
    asked: &Asked,
    now: Moment,
) -> Result<(HoldState, Vec<HeldLine>), Failure> {
    let Asked { order_id, customer_id, ref lines } = *asked;
    if let Some(present) = holds::find(tx, order_id).await? {
        return answer_present(tx, asked, present).await;
    }
    let offers = holds::load_offers(tx, customer_id, lines).await?;
    let takings = reservation::decide(lines, &offers, now)?;

    if !holds::open(tx, order_id, customer_id, now).await? {
        // The same ask, or the order's end, was written by another instance since the look above.
        let present = holds::find(tx, order_id).await?.ok_or(bojagi_store::Error::NoRow)?;
        return answer_present(tx, asked, present).await;
    }
    let mut movements = Vec::with_capacity(takings.len());
    for taking in &takings {
        movements.push(take(tx, customer_id, taking).await?);
    }
    let fulfilled = lines.iter().filter_map(|line| {
        let offer = offers.iter().find(|offer| offer.option_id == line.option_id)?;
        Some(HeldLine::new(*line, offer))
    });
    let held: Vec<_> = fulfilled.collect();
    holds::insert_lines(tx, order_id, &held).await?;
    told::stock_reserved(tx, order_id, &movements, now).await?;
    Ok((HoldState::Reserved, held))
}

async fn answer_present(tx: &mut Tx, asked: &Asked, present: Hold) -> Result<(HoldState, Vec<HeldLine>), Failure> {
    if present.state == HoldState::Released {
        return Err(StockRefusal::OrderEnded.into());
    }
    let held = holds::lines(tx, asked.order_id).await?;
    let same_lines = hold::in_order_of(&asked.lines, held).filter(|_| present.customer_id == asked.customer_id);
    match same_lines {
        Some(held) => Ok((present.state, held)),
        None => Err(CommonRefusal::IdempotencyKeyReused.into()),
    }
}

/// Takes the pieces of one option. The conditions are those of the decision once more: where several instances write,
/// another order can have taken them since the offer was loaded.
async fn take(tx: &mut Tx, customer_id: AccountId, taking: &Taking<'_>) -> Result<Movement, Failure> {
    let (offer, quantity) = (taking.offer, taking.quantity);
    let option_id = offer.option_id;
    let Some(available) = stock::reserve(tx, option_id, quantity).await? else {
        let available = stock::available(tx, option_id).await?;
        return Err(StockRefusal::OutOfStock { option_id, available }.into());
    };
    if let Some(limit) = offer.customer_limit
        && !limits::take(tx, (option_id, customer_id), quantity, limit).await?
    {
        let already = limits::taken(tx, option_id, customer_id).await?;
        return Err(StockRefusal::PurchaseLimit { option_id, limit, already }.into());
    }
    Ok(Movement { option_id, item_id: offer.item_id, quantity, available })
}
