//! Holding the pieces of orders.
//!
//! This is the hottest work in the shop: in a rush, thousands of orders ask for one option at once. All that have come by the
//! time a unit of work begins are decided in it, in the order in which they came: it loads what they need, lets the pure rules
//! decide in memory, and writes once a table. A refusal, which in a rush is the most frequent answer, writes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use bojagi_chassis::CommonRefusal;
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::{self as database, Combined, LockKey, Store, Tx};

use crate::domain::hold::{self, HeldLine, Hold, HoldState};
use crate::domain::refusal::StockRefusal;
use crate::domain::reservation::Asked;
use crate::domain::shelf::{Bundle, Shelf};
use crate::events::told;
use crate::store::{holds, limits, stock};

/// Takes the asks of orders. Asked again, it answers what the order holds now.
pub(crate) type Reservations = Combined<Asked, Held, Failure>;

/// What an order holds.
pub(crate) type Held = (HoldState, Vec<HeldLine>);

type Ask<'a> = &'a database::Asked<Asked>;

/// The place where orders ask.
pub(crate) fn reservations(store: &Store, clock: &Arc<dyn Clock>) -> Reservations {
    let clock = Arc::clone(clock);
    let order = |asked: &Asked| asked.order_id;
    // What the order holds, and how many pieces of its options there are and its customer has.
    let locks = |asked: &Asked| {
        let options: Vec<_> = asked.lines.iter().map(|line| LockKey::of(line.option_id)).collect();
        options.into_iter().chain([LockKey::of(asked.order_id)])
    };
    Combined::new(store.clone(), order, locks, async move |tx: &mut Tx, asks: &[Ask<'_>]| {
        reserve(tx, asks, clock.now()).await
    })
}

/// Holds all lines of each order or none.
async fn reserve(tx: &mut Tx, asks: &[Ask<'_>], now: Moment) -> Result<Vec<Result<Held, Failure>>, Failure> {
    let present = holds::find_all(tx, &asks.iter().map(|asked| asked.ask.order_id).collect()).await?;
    let is_new = |asked: &&Ask<'_>| !present.contains_key(&asked.ask.order_id);
    let mut shelf = load_shelf(tx, asks.iter().filter(is_new).map(|asked| &asked.ask)).await?;
    let mut taken = Vec::with_capacity(asks.len());
    let mut answers = Vec::with_capacity(asks.len());
    for asked in asks {
        answers.push(match present.get(&asked.ask.order_id) {
            Some(hold) => answer_present(tx, &asked.ask, *hold).await?,
            None => match shelf.take(&asked.ask, now) {
                Ok(bundle) => {
                    let held = (HoldState::Reserved, bundle.lines.clone());
                    taken.push((*asked, bundle));
                    Ok(held)
                }
                Err(refusal) => Err(refusal.into()),
            },
        });
    }
    keep(tx, &taken, shelf, now).await?;
    Ok(answers)
}

/// What some orders ask for, as it is on offer.
async fn load_shelf(tx: &mut Tx, asked: impl Iterator<Item = &Asked> + Clone) -> Result<Shelf, Failure> {
    let options = asked.clone().flat_map(|asked| &asked.lines).map(|line| line.option_id).collect();
    let offers = holds::load_offers(tx, &options).await?;
    let limited = offers.iter().filter(|offer| offer.customer_limit.is_some()).map(|offer| offer.option_id);
    let limited: BTreeSet<_> = limited.collect();
    let mut whose = BTreeSet::new();
    for asked in asked {
        let options = asked.lines.iter().map(|line| line.option_id).filter(|option_id| limited.contains(option_id));
        whose.extend(options.map(|option_id| (option_id, asked.customer_id)));
    }
    let counted = limits::taken(tx, &whose).await?;
    Ok(Shelf::new(offers, counted))
}

/// Stores what orders have taken, and tells it.
async fn keep(tx: &mut Tx, taken: &[(Ask<'_>, Bundle)], shelf: Shelf, now: Moment) -> Result<(), Failure> {
    let in_all = shelf.taken();
    // The options are locked, so nobody can have taken a piece since the offers were loaded.
    if !stock::reserve_all(tx, &in_all.pieces).await? {
        return Err(Failure::broken("there is less in stock than a moment ago"));
    }
    limits::take_all(tx, &in_all.counted).await?;
    let orders: Vec<_> = taken.iter().map(|(asked, _)| (asked.ask.order_id, asked.ask.customer_id)).collect();
    holds::open_all(tx, &orders, now).await?;
    let lines = taken.iter().map(|(asked, bundle)| (asked.ask.order_id, bundle.lines.as_slice()));
    holds::insert_lines(tx, lines).await?;
    let facts =
        taken.iter().map(|(asked, bundle)| (asked.ask.order_id, asked.trace.clone(), bundle.movements.as_slice()));
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
