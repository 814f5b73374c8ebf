//! Reserving an order's coupons: all or none, once an order.
//!
//! Every ask that is not refused writes one row for its order, whether or not it takes a coupon, and the order's end writes the
//! same row; so an ask that comes late finds the end. Without coupons it costs that one statement.

use std::collections::BTreeSet;

use bojagi_kernel::id::{AccountId, OrderId, OrderLineId};
use bojagi_kernel::{Failure, Moment, Money};
use bojagi_store::Tx;

use crate::domain::{
    Basket, CouponRefusal, DiscountedLine, HeldCoupon, Quote, Redemption, RedemptionState, Wishes, quote,
};
use crate::events;
use crate::quote_hash::quote_hash;
use crate::store::redemptions::{NewRedemption, RedemptionRow};
use crate::store::{pieces, redemptions};

/// What an order asks for.
pub(crate) struct Ask {
    pub(crate) order_id: OrderId,
    pub(crate) customer_id: AccountId,
    /// The order's lines, in the order of the basket's.
    pub(crate) order_line_ids: Vec<OrderLineId>,
    pub(crate) basket: Basket,
    pub(crate) wishes: Wishes,
    /// What the customer was shown.
    pub(crate) expected_discount: Money,
    /// The hash of the quote that the customer was shown; empty when there was none.
    pub(crate) shown_hash: String,
    /// A digest of all of it.
    pub(crate) fingerprint: [u8; 32],
}

/// Reserves what an order asks for, or answers what it has already.
///
/// # Errors
/// `OrderEnded`, `AskedDifferently`, `CurrencyMismatch`, `DiscountChanged`, or why a coupon cannot be used.
pub(crate) async fn reserve(tx: &mut Tx, ask: &Ask, now: Moment) -> Result<Redemption, Failure> {
    ask.check_currency()?;
    let held = pieces::held(tx, ask.customer_id, ask.wishes.issued_coupon_ids()).await?;
    let judged = ask.judge(&held, now);
    if let Ok((quote, quote_hash)) = &judged
        && let Some(taken) = take(tx, ask, quote, quote_hash, now).await?
    {
        return Ok(taken);
    }
    // What stands in the order's row counts more than what would be said to a first ask.
    match (redemptions::find(tx, ask.order_id).await?, judged) {
        (Some(row), _) => present(tx, ask, row).await,
        (None, Err(refusal)) => Err(refusal),
        (None, Ok(_)) => Err(bojagi_store::Error::NoRow.into()),
    }
}

/// Takes the coupons that count, and writes the order's row; `None` when that is there already.
async fn take(
    tx: &mut Tx,
    ask: &Ask,
    quote: &Quote,
    quote_hash: &str,
    now: Moment,
) -> Result<Option<Redemption>, Failure> {
    let consumed = quote.consumed();
    let new = NewRedemption {
        order_id: ask.order_id,
        customer_id: ask.customer_id,
        fingerprint: ask.fingerprint,
        currency: ask.basket.currency(),
        quote_hash,
        consumed_count: i64::try_from(consumed.len()).unwrap_or(i64::MAX),
    };
    if !redemptions::claim(tx, &new, now).await? {
        return Ok(None);
    }
    // The customer is locked, so nobody can have taken a piece since it was judged.
    if !pieces::reserve_all(tx, ask.order_id, &consumed).await? {
        return Err(Failure::broken("fewer coupons are free than a moment ago"));
    }
    redemptions::insert_coupons(tx, ask.order_id, &consumed).await?;
    let lines = ask.discounted_lines(quote);
    redemptions::insert_lines(tx, ask.order_id, &lines).await?;
    if !consumed.is_empty() {
        events::tell_reserved(tx, ask, &consumed, now).await?;
    }
    let consumed = consumed.iter().map(|piece| piece.issued_coupon_id).collect();
    let quote_hash = quote_hash.to_owned();
    Ok(Some(Redemption { state: RedemptionState::Reserved, lines, consumed, quote_hash }))
}

/// What the order has now, if it asked for the same before.
async fn present(tx: &mut Tx, ask: &Ask, row: RedemptionRow) -> Result<Redemption, Failure> {
    let asked_before = match (row.state, row.fingerprint) {
        (RedemptionState::Released, _) | (_, None) => return Err(CouponRefusal::OrderEnded.into()),
        (_, Some(fingerprint)) => fingerprint,
    };
    if asked_before != ask.fingerprint {
        return Err(CouponRefusal::AskedDifferently.into());
    }
    let taken: BTreeSet<_> =
        redemptions::coupons(tx, ask.order_id).await?.iter().map(|piece| piece.issued_coupon_id).collect();
    Ok(Redemption {
        state: row.state,
        lines: redemptions::lines(tx, ask.order_id).await?,
        // In the order in which they were answered first.
        consumed: ask.wishes.issued_coupon_ids().filter(|wished| taken.contains(wished)).collect(),
        quote_hash: row.quote_hash,
    })
}

impl Ask {
    fn check_currency(&self) -> Result<(), CouponRefusal> {
        match self.basket.lines().first() {
            Some(line) if self.expected_discount.currency() != self.basket.currency() => {
                Err(CouponRefusal::CurrencyMismatch { option_id: line.option_id })
            }
            _ => Ok(()),
        }
    }

    /// Computes the discount anew and compares it with what the customer was shown.
    fn judge(&self, held: &[HeldCoupon], now: Moment) -> Result<(Quote, String), Failure> {
        let quote = quote(&self.basket, &self.wishes, held, now);
        if let Some(refusal) = quote.first_refusal() {
            return Err(refusal.clone().into());
        }
        let quote_hash = quote_hash(&self.basket, &quote);
        let (expected, actual) = (self.expected_discount.minor(), quote.total_discount());
        if expected != actual || (!self.shown_hash.is_empty() && self.shown_hash != quote_hash) {
            return Err(CouponRefusal::DiscountChanged { expected, actual, quote_hash }.into());
        }
        Ok((quote, quote_hash))
    }

    fn discounted_lines(&self, quote: &Quote) -> Vec<DiscountedLine> {
        let lines = self.order_line_ids.iter().zip(&quote.lines).filter(|(_, amounts)| amounts.discount() > 0);
        let lines = lines.map(|(order_line_id, amounts)| DiscountedLine {
            order_line_id: *order_line_id,
            item_discount: amounts.item_discount,
            order_discount: amounts.order_discount,
            platform_discount: amounts.platform_discount,
            seller_discount: amounts.seller_discount,
        });
        lines.collect()
    }
}
