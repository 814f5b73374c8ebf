//! Facts heard. Each reaction can be repeated without a second effect.
//!
//! What item came to hear later has groups of its own: in the others, processes of a version before, which are there while a new one
//! rolls out, answer for the group without the new effect, and the fact would be lost. A new group begins at the beginning.

use std::str::FromStr;
use std::sync::Arc;

use bojagi_api::order::{OrderCancelled, OrderConfirmed, OrderFactLine, OrderFailed, RefundApproved, RefundFactLine};
use bojagi_api::user::{AccountClosed, AccountKind};
use bojagi_events::{Event, Hears};
use bojagi_kernel::id::OptionId;
use bojagi_kernel::{Clock, Failure};
use bojagi_store::{LockKey, Tx};

use crate::delete_store::delete_stores_of;
use crate::domain::refund::{Refund, Returned};
use crate::end_hold::{release, sell};
use crate::take_back::take_back;
use crate::{NAME, wishlist};

/// What order tells.
pub(crate) const ORDERS: &str = "bojagi.order.v1";
/// What user tells.
pub(crate) const ACCOUNTS: &str = "bojagi.user.v1";

/// Orders come to their end, and sellers go.
pub(crate) fn ends(clock: &Arc<dyn Clock>) -> Hears {
    let (confirmed, failed, cancelled, closed) =
        (Arc::clone(clock), Arc::clone(clock), Arc::clone(clock), Arc::clone(clock));
    Hears::new(NAME)
        .on_locking(
            |fact: &OrderConfirmed| stock(&fact.lines),
            async move |tx: &mut Tx, _: &Event, fact: OrderConfirmed| {
                sell(tx, id("order_id", &fact.order_id)?, confirmed.now()).await
            },
        )
        .on_locking(
            |fact: &OrderFailed| stock(&fact.lines),
            async move |tx: &mut Tx, _: &Event, fact: OrderFailed| {
                let (order_id, customer_id) = (id("order_id", &fact.order_id)?, id("customer_id", &fact.customer_id)?);
                release(tx, order_id, customer_id, failed.now()).await
            },
        )
        .on_locking(
            |fact: &OrderCancelled| stock(&fact.lines),
            async move |tx: &mut Tx, _: &Event, fact: OrderCancelled| {
                let (order_id, customer_id) = (id("order_id", &fact.order_id)?, id("customer_id", &fact.customer_id)?);
                release(tx, order_id, customer_id, cancelled.now()).await
            },
        )
        .on(async move |tx: &mut Tx, _: &Event, fact: AccountClosed| {
            // Customers have no stores; what they have, `customers` hears.
            if fact.kind() == AccountKind::Customer {
                return Ok(());
            }
            delete_stores_of(tx, id("account_id", &fact.account_id)?, closed.now()).await
        })
}

/// Customers go.
pub(crate) fn customers(clock: &Arc<dyn Clock>) -> Hears {
    let clock = Arc::clone(clock);
    Hears::new("item.customers").on(async move |tx: &mut Tx, _: &Event, fact: AccountClosed| {
        // Sellers have no wishlist, hearts or follows.
        if fact.kind() != AccountKind::Customer {
            return Ok(());
        }
        wishlist::end(tx, id("account_id", &fact.account_id)?, clock.now()).await
    })
}

/// Pieces of orders that were sold are paid back, and come back if their seller said so.
pub(crate) fn refunds(clock: &Arc<dyn Clock>) -> Hears {
    let clock = Arc::clone(clock);
    Hears::new("item.refunds").on_locking(
        |fact: &RefundApproved| options(&fact.lines),
        async move |tx: &mut Tx, _: &Event, fact: RefundApproved| {
            let back = |line: &RefundFactLine| {
                Ok(Returned { order_line_id: id("order_line_id", &line.order_line_id)?, quantity: line.quantity })
            };
            let refund = Refund {
                id: id("refund_id", &fact.refund_id)?,
                order_id: id("order_id", &fact.order_id)?,
                lines: fact.lines.iter().map(back).collect::<Result<_, Failure>>()?,
                restock: fact.restock,
            };
            take_back(tx, &refund, clock.now()).await
        },
    )
}

/// What an order holds is counted at the options of its lines.
fn stock(lines: &[OrderFactLine]) -> Vec<LockKey> {
    lines.iter().filter_map(|line| line.option_id.parse::<OptionId>().ok()).map(LockKey::of).collect()
}

/// Where pieces that came back are counted.
fn options(lines: &[RefundFactLine]) -> Vec<LockKey> {
    lines.iter().filter_map(|line| line.option_id.parse::<OptionId>().ok()).map(LockKey::of).collect()
}

fn id<T: FromStr>(field: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::broken(format!("{field} of a fact is not an id: {text:?}")))
}
