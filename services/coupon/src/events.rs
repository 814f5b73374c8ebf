//! Facts told and facts heard.

use std::sync::Arc;

use bojagi_api::{coupon, item, order, user};
use bojagi_chassis::wire;
use bojagi_events::{Event, Hears, Told, nothing_more, tell, tell_all};
use bojagi_kernel::id::{AccountId, ItemId, OptionId, OrderId};
use bojagi_kernel::{Clock, Currency, Failure, Moment, Money};
use bojagi_store::{LockKey, Tx};
use bojagi_telemetry::TraceContext;

use crate::domain::{Consumed, IssuedCoupon};
use crate::reserve_redemptions::Ask;
use crate::store::redemptions::EndedRedemption;
use crate::{NAME, end_redemption, expire_coupons, follow_prices};

/// The topics that are heard.
pub(crate) const TOPICS: &[&str] = &["bojagi.order.v1", "bojagi.item.v1", "bojagi.user.v1"];

/// What is done about facts of other contexts.
pub(crate) fn hears(clock: &Arc<dyn Clock>) -> Hears {
    let (confirming, failing, cancelling, closing) =
        (Arc::clone(clock), Arc::clone(clock), Arc::clone(clock), Arc::clone(clock));
    Hears::new(NAME)
        .on_locking(
            |fact: &order::OrderConfirmed| pieces(&fact.customer_id),
            async move |tx: &mut Tx, _: &Event, fact: order::OrderConfirmed| {
                if !was_asked(&fact.participants) {
                    return Ok(());
                }
                end_redemption::confirm(tx, read("order_id", &fact.order_id)?, confirming.now()).await
            },
        )
        .on_locking(
            |fact: &order::OrderFailed| pieces(&fact.customer_id),
            async move |tx: &mut Tx, _: &Event, fact: order::OrderFailed| {
                if !was_asked(&fact.participants) {
                    return Ok(());
                }
                end_redemption::release(tx, read("order_id", &fact.order_id)?, failing.now()).await
            },
        )
        .on_locking(
            |fact: &order::OrderCancelled| pieces(&fact.customer_id),
            async move |tx: &mut Tx, _: &Event, fact: order::OrderCancelled| {
                if !was_asked(&fact.participants) {
                    return Ok(());
                }
                end_redemption::release(tx, read("order_id", &fact.order_id)?, cancelling.now()).await
            },
        )
        .on_locking(nothing_more, async |tx: &mut Tx, _: &Event, fact: item::ItemCreated| follow(tx, fact.item).await)
        .on_locking(nothing_more, async |tx: &mut Tx, _: &Event, fact: item::ItemUpdated| follow(tx, fact.item).await)
        .on_locking(nothing_more, async |tx: &mut Tx, _: &Event, fact: item::ItemDeleted| {
            follow_prices::forget(tx, read("item_id", &fact.item_id)?).await
        })
        .on(async move |tx: &mut Tx, _: &Event, fact: user::AccountClosed| {
            expire_coupons::expire_all_of(tx, read("account_id", &fact.account_id)?, closing.now()).await
        })
}

/// The pieces that an order has are its customer's.
fn pieces(customer_id: &str) -> Vec<LockKey> {
    customer_id.parse::<AccountId>().map(LockKey::of).into_iter().collect()
}

/// An order without coupons, discount or quote never asked here, and has nothing to end.
fn was_asked(participants: &[i32]) -> bool {
    participants.contains(&i32::from(order::Participant::Coupon))
}

async fn follow(tx: &mut Tx, item: Option<item::ItemSnapshot>) -> Result<(), Failure> {
    let item = item.ok_or_else(|| Failure::broken("a fact about an item has no item"))?;
    let item_id: ItemId = read("item_id", &item.item_id)?;
    let offered = item.options.iter().filter(|option| option.state() == item::OptionState::Active);
    let offered = offered.map(|option| {
        let price = option.price.as_ref().and_then(wire::read_money).filter(|price| !price.is_negative());
        let price = price.ok_or_else(|| Failure::broken(format!("option {} has no price", option.option_id)))?;
        Ok((read::<OptionId>("option_id", &option.option_id)?, price))
    });
    let offered: Vec<_> = offered.collect::<Result<_, Failure>>()?;
    follow_prices::replace(tx, item_id, &offered).await
}

/// An id in a fact. One that cannot be read sets the fact aside, so that an operator sees it.
fn read<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::broken(format!("{field} {text:?} in a fact is not an id")))
}

/// Tells that pieces were issued, each in the trace of its own call.
pub(crate) async fn tell_issued<'a>(
    tx: &mut Tx,
    pieces: impl IntoIterator<Item = (&'a IssuedCoupon, Option<TraceContext>)>,
    now: Moment,
) -> Result<(), Failure> {
    let facts = pieces.into_iter().map(|(piece, trace)| Told {
        aggregate_id: piece.issued_coupon_id.into(),
        trace,
        fact: coupon::CouponIssued {
            issued_coupon_id: piece.issued_coupon_id.to_string(),
            coupon_id: piece.coupon_id.to_string(),
            customer_id: piece.customer_id.to_string(),
            issued_at: Some(wire::timestamp(piece.issued_at)),
            expires_at: Some(wire::timestamp(piece.expires_at)),
        },
    });
    tell_all(tx, &facts.collect::<Vec<_>>(), now).await?;
    Ok(())
}

/// Tells that the time of a piece has passed.
pub(crate) async fn tell_expired(tx: &mut Tx, piece: &IssuedCoupon, now: Moment) -> Result<(), Failure> {
    let fact = coupon::CouponExpired {
        issued_coupon_id: piece.issued_coupon_id.to_string(),
        coupon_id: piece.coupon_id.to_string(),
        customer_id: piece.customer_id.to_string(),
        expired_at: Some(wire::timestamp(piece.expires_at)),
    };
    tell(tx, piece.issued_coupon_id.into(), &fact, now).await?;
    Ok(())
}

/// Whose coupons a fact about an order speaks of.
pub(crate) struct OrderCoupons {
    order_id: OrderId,
    customer_id: Option<AccountId>,
    currency: Currency,
}

impl OrderCoupons {
    /// What is kept of the order says it; an order that never asked has neither a customer here nor amounts.
    pub(crate) fn of(order_id: OrderId, ended: &EndedRedemption) -> Self {
        let currency = ended.currency.unwrap_or(Currency::KRW);
        Self { order_id, customer_id: ended.customer_id, currency }
    }

    fn customer(&self) -> String {
        self.customer_id.map(|customer_id| customer_id.to_string()).unwrap_or_default()
    }

    fn coupons(&self, consumed: &[Consumed]) -> Vec<coupon::OrderCoupon> {
        let coupons = consumed.iter().map(|piece| coupon::OrderCoupon {
            issued_coupon_id: piece.issued_coupon_id.to_string(),
            coupon_id: piece.coupon_id.to_string(),
            discount: Some(wire::money(Money::new(self.currency, piece.discount))),
        });
        coupons.collect()
    }
}

/// Tells that coupons are kept for an order.
pub(crate) async fn tell_reserved(tx: &mut Tx, ask: &Ask, consumed: &[Consumed], now: Moment) -> Result<(), Failure> {
    let (order_id, customer_id) = (ask.order_id, Some(ask.customer_id));
    let order = OrderCoupons { order_id, customer_id, currency: ask.basket.currency() };
    let fact = coupon::CouponReserved {
        order_id: order_id.to_string(),
        customer_id: order.customer(),
        coupons: order.coupons(consumed),
    };
    tell(tx, order_id.into(), &fact, now).await?;
    Ok(())
}

/// Tells that the coupons of an order are used.
pub(crate) async fn tell_used(
    tx: &mut Tx,
    order: &OrderCoupons,
    consumed: &[Consumed],
    now: Moment,
) -> Result<(), Failure> {
    let fact = coupon::CouponUsed {
        order_id: order.order_id.to_string(),
        customer_id: order.customer(),
        coupons: order.coupons(consumed),
    };
    tell(tx, order.order_id.into(), &fact, now).await?;
    Ok(())
}

/// Tells that an order keeps no coupon any more.
pub(crate) async fn tell_released(
    tx: &mut Tx,
    order: &OrderCoupons,
    returned: &[Consumed],
    expired: &[Consumed],
    now: Moment,
) -> Result<(), Failure> {
    let fact = coupon::CouponReleased {
        order_id: order.order_id.to_string(),
        customer_id: order.customer(),
        returned: order.coupons(returned),
        expired: order.coupons(expired),
    };
    tell(tx, order.order_id.into(), &fact, now).await?;
    Ok(())
}
