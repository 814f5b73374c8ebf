//! Holding the pieces of orders.
//!
//! This is the hottest work in the shop: in a rush, thousands of orders ask for one option at once. All that have come by the
//! time a unit of work begins are decided in it, in the order in which they came: it loads what they need, lets the pure rules
//! decide in memory, and writes once a table. A refusal, which in a rush is the most frequent answer, writes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use bojagi_chassis::CommonRefusal;
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::{self as database, Combined, Store, Tx};

use crate::domain::hold::{self, HeldLine, Hold, HoldState};
use crate::domain::refusal::StockRefusal;
use crate::domain::reservation::{Asked, Offer};
use crate::domain::shelf::{Bundle, Shelf};
use crate::events::told;
use crate::store::{holds, limits, stock};

/// Takes the asks of orders. Asked again, it answers what the order holds now.
pub(crate) type Reservations = Combined<Asked, Held, Failure>;

/// What an order holds.
pub(crate) type Held = (HoldState, Vec<HeldLine>);

type Asks = database::Asked<Asked>;

/// The place where orders ask.
pub(crate) fn reservations(store: &Store, clock: &Arc<dyn Clock>) -> Reservations {
    let clock = Arc::clone(clock);
    Combined::new(store.clone(), async move |tx: &mut Tx, asks: &[Asks]| reserve(tx, asks, clock.now()).await)
}

/// Holds all lines of each order or none.
async fn reserve(tx: &mut Tx, asks: &[Asks], now: Moment) -> Result<Vec<Result<Held, Failure>>, Failure> {
    let mut answers = Vec::with_capacity(asks.len());
    answers.resize_with(asks.len(), || None);
    let mut undecided: Vec<usize> = (0..asks.len()).collect();
    while !undecided.is_empty() {
        // An order that asks twice at once is answered the second time what it holds then.
        let mut orders = BTreeSet::new();
        let (first, again) = undecided.into_iter().partition(|index| orders.insert(asks[*index].ask.order_id));
        reserve_each(tx, asks, first, &mut answers, now).await?;
        undecided = again;
    }
    answers.into_iter().map(|answer| answer.ok_or_else(|| Failure::broken("an ask was not decided"))).collect()
}

/// Decides the asks at `chosen`, which are of different orders.
async fn reserve_each(
    tx: &mut Tx,
    asks: &[Asks],
    chosen: Vec<usize>,
    answers: &mut [Option<Result<Held, Failure>>],
    now: Moment,
) -> Result<(), Failure> {
    let orders = chosen.iter().map(|index| asks[*index].ask.order_id).collect();
    let present = holds::find_all(tx, &orders).await?;
    let mut new = Vec::with_capacity(chosen.len());
    for index in chosen {
        match present.get(&asks[index].ask.order_id) {
            Some(hold) => answers[index] = Some(answer_present(tx, &asks[index].ask, *hold).await?),
            None => new.push(index),
        }
    }

    let mut shelf = load_shelf(tx, new.iter().map(|index| &asks[*index].ask)).await?;
    let mut taken = Vec::with_capacity(new.len());
    for index in new {
        match shelf.take(&asks[index].ask, now) {
            Ok(bundle) => taken.push((index, bundle)),
            Err(refusal) => answers[index] = Some(Err(refusal.into())),
        }
    }
    keep(tx, asks, &taken, shelf, now).await?;
    for (index, bundle) in taken {
        answers[index] = Some(Ok((HoldState::Reserved, bundle.lines)));
    }
    Ok(())
}

/// What some orders ask for, as it is on offer.
async fn load_shelf(tx: &mut Tx, asked: impl Iterator<Item = &Asked> + Clone) -> Result<Shelf, Failure> {
    let options = asked.clone().flat_map(|asked| &asked.lines).map(|line| line.option_id).collect();
    let offers = holds::load_offers(tx, &options).await?;
    let limited = |option_id| {
        let is_limited = |offer: &Offer| offer.option_id == option_id && offer.customer_limit.is_some();
        offers.iter().any(is_limited)
    };
    let mut whose = BTreeSet::new();
    for asked in asked {
        let options = asked.lines.iter().map(|line| line.option_id).filter(|option_id| limited(*option_id));
        whose.extend(options.map(|option_id| (option_id, asked.customer_id)));
    }
    let counted = limits::taken(tx, &whose).await?;
    Ok(Shelf::new(offers, counted))
}

/// Stores what orders have taken, and tells it.
async fn keep(tx: &mut Tx, asks: &[Asks], taken: &[(usize, Bundle)], shelf: Shelf, now: Moment) -> Result<(), Failure> {
    let in_all = shelf.taken();
    // Units are done one after the other, so nobody can have taken a piece since the offers were loaded.
    if !stock::reserve_all(tx, &in_all.pieces).await? {
        return Err(Failure::broken("there is less in stock than a moment ago"));
    }
    limits::take_all(tx, &in_all.counted).await?;
    let of = |index: &usize| &asks[*index];
    let orders: Vec<_> = taken.iter().map(|(index, _)| (of(index).ask.order_id, of(index).ask.customer_id)).collect();
    holds::open_all(tx, &orders, now).await?;
    let lines = taken.iter().map(|(index, bundle)| (of(index).ask.order_id, bundle.lines.as_slice()));
    holds::insert_lines(tx, lines).await?;
    let facts = taken
        .iter()
        .map(|(index, bundle)| (of(index).ask.order_id, of(index).trace.clone(), bundle.movements.as_slice()));
    told::stock_reserved(tx, facts, now).await?;
    Ok(())
}

/// Answers an order that has been here before; the outer error is the database's.
async fn answer_present(tx: &mut Tx, asked: &Asked, present: Hold) -> Result<Result<Held, Failure>, Failure> {
    if present.state == HoldState::Released {
        return Ok(Err(StockRefusal::OrderEnded.into()));
    }
    let held = holds::lines(tx, asked.order_id).await?;
    let same_lines = hold::in_order_of(&asked.lines, held).filter(|_| present.customer_id == asked.customer_id);
    Ok(match same_lines {
        Some(held) => Ok((present.state, held)),
        None => Err(CommonRefusal::IdempotencyKeyReused.into()),
    })
}
