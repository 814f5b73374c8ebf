//! Reserving an order's coupons: all or none, once an order.
//!
//! Every order that asks writes one row, whether or not it takes a coupon, and its end writes the same row; so an ask that comes
//! late finds the end. An order without coupons costs that one statement.

use bojagi_kernel::id::{AccountId, OrderId, OrderLineId};
use bojagi_kernel::{Failure, Moment, Money};
use bojagi_store::Tx;

use crate::domain::{
    Basket, Consumed, CouponRefusal, DiscountedLine, HeldCoupon, IssuedState, PieceRefusal, Quote, Redemption,
    RedemptionState, Wishes, quote,
};
use crate::events;
use crate::quote_hash::quote_hash;
use crate::store::redemptions::NewRedemption;
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
    let quote_hash = judged.as_ref().map_or("", |(_, quote_hash)| quote_hash.as_str());
    let consumed = judged.as_ref().map(|(quote, _)| quote.consumed()).unwrap_or_default();
    let new = NewRedemption {
        order_id: ask.order_id,
        customer_id: ask.customer_id,
        fingerprint: ask.fingerprint,
        currency: ask.basket.currency(),
        quote_hash,
        consumed_count: i64::try_from(consumed.len()).unwrap_or(i64::MAX),
    };
    // What stands in the row counts more than what would be said to a first ask.
    if !redemptions::claim(tx, &new, now).await? {
        return present(tx, ask).await;
    }
    let (quote, quote_hash) = judged?;

    for piece in &consumed {
        take(tx, ask.order_id, *piece).await?;
    }
    let lines = ask.discounted_lines(&quote);
    for line in &lines {
        redemptions::insert_line(tx, ask.order_id, line).await?;
    }
    if !consumed.is_empty() {
        events::tell_reserved(tx, ask, &consumed, now).await?;
    }
    let consumed = consumed.iter().map(|piece| piece.issued_coupon_id).collect();
    Ok(Redemption { state: RedemptionState::Reserved, lines, consumed, quote_hash })
}

async fn take(tx: &mut Tx, order_id: OrderId, piece: Consumed) -> Result<(), Failure> {
    let issued_coupon_id = piece.issued_coupon_id;
    if !pieces::reserve(tx, issued_coupon_id, order_id).await? {
        return Err(PieceRefusal::Taken { issued_coupon_id, state: IssuedState::Reserved }.into());
    }
    Ok(redemptions::insert_coupon(tx, order_id, piece).await?)
}

/// What the order has now, if it asked for the same before.
async fn present(tx: &mut Tx, ask: &Ask) -> Result<Redemption, Failure> {
    let row = redemptions::get(tx, ask.order_id).await?;
    let asked_before = match (row.state, row.fingerprint) {
        (RedemptionState::Released, _) | (_, None) => return Err(CouponRefusal::OrderEnded.into()),
        (_, Some(fingerprint)) => fingerprint,
    };
    if asked_before != ask.fingerprint {
        return Err(CouponRefusal::AskedDifferently.into());
    }
    let consumed = redemptions::coupons(tx, ask.order_id).await?;
    Ok(Redemption {
        state: row.state,
        lines: redemptions::lines(tx, ask.order_id).await?,
        consumed: consumed.iter().map(|piece| piece.issued_coupon_id).collect(),
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
