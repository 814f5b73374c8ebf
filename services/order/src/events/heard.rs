//! Facts heard: releases of item and coupon, answers of payment that came late, accounts that come and go.
//!
//! Each topic has a group of its own: item and coupon both tell under the order's id, so within one group the second
//! would be taken for a duplicate of the first. What came later has groups of its own, too (`order.carts`, `order.refunds`): in the others, processes
//! of a version before, which are there while a new one rolls out, answer for the group without the new effect.

use std::str::FromStr;

use bojagi_api::{coupon, item, payment, user};
use bojagi_chassis::wire::moment;
use bojagi_events::{Event, Hears, nothing_more};
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{LockKey, Tx};

use crate::domain::{CancelReason, Order, RefundId, RetryPolicy};
use crate::orders::Orders;
use crate::store::{self, Saved};

/// Orders of a closed account that are held in memory at once.
const PAGE: i64 = 50;

/// What item tells: the stock of an order that ended is free again.
pub(crate) fn stock(orders: &Orders) -> Hears {
    let orders = orders.clone();
    Hears::new("order.stock").on_locking(
        nothing_more,
        async move |tx: &mut Tx, _: &Event, fact: item::StockReleased| {
            let give_back = |order: &mut Order, policy: &RetryPolicy, now: Moment| order.stock_is_back(policy, now);
            released(tx, &orders, &fact.order_id, give_back).await
        },
    )
}

/// What coupon tells: the coupons of an order that ended are free again.
pub(crate) fn coupons(orders: &Orders) -> Hears {
    let orders = orders.clone();
    Hears::new("order.coupons").on_locking(
        nothing_more,
        async move |tx: &mut Tx, _: &Event, fact: coupon::CouponReleased| {
            let give_back = |order: &mut Order, policy: &RetryPolicy, now: Moment| order.coupons_are_back(policy, now);
            released(tx, &orders, &fact.order_id, give_back).await
        },
    )
}

/// What payment tells: a pending order that waits for it asks again and gets the answer that decides, and that everything went
/// back is taken down. A fact about an order that has its answer, which is every healthy one, costs a look and no change.
pub(crate) fn payments(orders: &Orders) -> Hears {
    let (captured, voided, declined) = (orders.clone(), orders.clone(), orders.clone());
    let (refunded, unresolved) = (orders.clone(), orders.clone());
    Hears::new("order.payments")
        .on_locking(
            |fact: &payment::PaymentCaptured| order(&fact.order_id),
            async move |tx: &mut Tx, _: &Event, fact: payment::PaymentCaptured| {
                decided(tx, &captured, &fact.order_id).await
            },
        )
        .on_locking(
            |fact: &payment::PaymentVoided| order(&fact.order_id),
            async move |tx: &mut Tx, _: &Event, fact: payment::PaymentVoided| {
                decided(tx, &voided, &fact.order_id).await
            },
        )
        .on_locking(
            |fact: &payment::PaymentDeclined| order(&fact.order_id),
            async move |tx: &mut Tx, _: &Event, fact: payment::PaymentDeclined| {
                decided(tx, &declined, &fact.order_id).await
            },
        )
        .on_locking(
            |fact: &payment::PaymentRefunded| order(&fact.order_id),
            async move |tx: &mut Tx, _: &Event, fact: payment::PaymentRefunded| {
                let all = |order: &mut Order, refund_id, refunded_at, policy: &RetryPolicy, now| {
                    order.refund_id() == refund_id && order.money_went_back(refunded_at, policy, now)
                };
                money_went_back(tx, &refunded, &fact, all).await
            },
        )
        .on_locking(
            |fact: &payment::PaymentUnresolved| order(&fact.order_id),
            async move |tx: &mut Tx, _: &Event, fact: payment::PaymentUnresolved| {
                // An order that is parked for this knows it already.
                Ok(store::wake_running(tx, id(&fact.order_id)?, unresolved.now()).await?)
            },
        )
}

/// What payment tells, for refunds of pieces, which came later: that one went back is taken down.
pub(crate) fn refunds(orders: &Orders) -> Hears {
    let orders = orders.clone();
    Hears::new("order.refunds").on_locking(
        |fact: &payment::PaymentRefunded| order(&fact.order_id),
        async move |tx: &mut Tx, _: &Event, fact: payment::PaymentRefunded| {
            let pieces = |order: &mut Order, refund_id, refunded_at, _: &RetryPolicy, now| {
                order.refund_went_back(refund_id, refunded_at, now)
            };
            money_went_back(tx, &orders, &fact, pieces).await
        },
    )
}

/// What user tells: suspended and closed accounts place no orders; a closed one's orders are cancelled where they can be,
/// and forget where they went once they are at rest.
pub(crate) fn accounts(orders: &Orders) -> Hears {
    let (suspended, closed) = (orders.clone(), orders.clone());
    Hears::new("order.accounts")
        .on(async move |tx: &mut Tx, _: &Event, fact: user::AccountSuspended| {
            let account_id = id::<AccountId>(&fact.account_id)?;
            Ok(store::block(tx, account_id, false, suspended.now()).await?)
        })
        .on(async |tx: &mut Tx, _: &Event, fact: user::AccountReinstated| {
            Ok(store::unblock(tx, id::<AccountId>(&fact.account_id)?).await?)
        })
        .on(async move |tx: &mut Tx, _: &Event, fact: user::AccountClosed| {
            account_closed(tx, &closed, id::<AccountId>(&fact.account_id)?).await
        })
}

/// What user tells, for what came later: the cart and the draft of a closed account go, and what it wrote about refunds that are
/// decided.
pub(crate) fn carts(orders: &Orders) -> Hears {
    let orders = orders.clone();
    Hears::new("order.carts").on(async move |tx: &mut Tx, _: &Event, fact: user::AccountClosed| {
        let account_id = id::<AccountId>(&fact.account_id)?;
        // Whichever group is the first, nothing comes into cart or draft after this.
        store::block(tx, account_id, true, orders.now()).await?;
        store::carts::drop_of(tx, account_id).await?;
        store::drafts::drop_of(tx, account_id).await?;
        Ok(store::forget_words(tx, account_id).await?)
    })
}

/// Payment tells under the id of the payment.
fn order(order_id: &str) -> Vec<LockKey> {
    id::<OrderId>(order_id).map(LockKey::of).into_iter().collect()
}

async fn account_closed(tx: &mut Tx, orders: &Orders, account_id: AccountId) -> Result<(), Failure> {
    let now = orders.now();
    store::block(tx, account_id, true, now).await?;
    let mut after = None;
    loop {
        let page = store::cancellable_of(tx, account_id, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for mut order in page {
            // Begun deliveries and orders that are cancelled already run to their end.
            if order.cancel(CancelReason::AccountClosed, &orders.policy(), now).is_ok() {
                must_save(tx, &mut order, now).await?;
            }
        }
    }
    Ok(store::forget_addresses(tx, account_id, now).await?)
}

async fn released(
    tx: &mut Tx,
    orders: &Orders,
    order_id: &str,
    give_back: impl Fn(&mut Order, &RetryPolicy, Moment) -> bool,
) -> Result<(), Failure> {
    let now = orders.now();
    let Some(mut order) = store::load(tx, id(order_id)?).await? else {
        tracing::warn!(order = order_id, "a release was told for an order that is not known");
        return Ok(());
    };
    if give_back(&mut order, &orders.policy(), now) {
        must_save(tx, &mut order, now).await?;
    }
    Ok(())
}

async fn decided(tx: &mut Tx, orders: &Orders, order_id: &str) -> Result<(), Failure> {
    Ok(store::wake_pending(tx, id(order_id)?, orders.now()).await?)
}

/// Takes a refund down that went back, if `take_down` knows it and it is new.
async fn money_went_back(
    tx: &mut Tx,
    orders: &Orders,
    fact: &payment::PaymentRefunded,
    take_down: impl Fn(&mut Order, RefundId, Moment, &RetryPolicy, Moment) -> bool,
) -> Result<(), Failure> {
    let (order_id, refund_id) = (id::<OrderId>(&fact.order_id)?, id::<RefundId>(&fact.refund_id)?);
    let refunded_at = fact.refunded_at.as_ref().and_then(moment);
    let refunded_at = refunded_at.ok_or_else(|| Failure::broken("the refund says not when"))?;
    let now = orders.now();
    let is_asked_for = |order: &Order| order.refund_id() == refund_id || order.refund(refund_id).is_some();
    let Some(mut order) = store::load(tx, order_id).await?.filter(is_asked_for) else {
        tracing::warn!(order = %order_id, refund = %refund_id, "a refund was told that no order asked for");
        return Ok(());
    };
    if take_down(&mut order, refund_id, refunded_at, &orders.policy(), now) {
        must_save(tx, &mut order, now).await?;
    }
    Ok(())
}

/// Stores an order that was loaded in the same unit. On a database where units run side by side a lost race sets the fact
/// aside, and it is tried again.
async fn must_save(tx: &mut Tx, order: &mut Order, now: Moment) -> Result<(), Failure> {
    match store::save(tx, order, now).await? {
        Saved::Now => Ok(()),
        Saved::Stale => Err(Failure::Unavailable("the order was changed at the same moment".into())),
    }
}

fn id<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::broken(format!("{text:?} is no id")))
}
