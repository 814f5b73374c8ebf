//! What coupons take off a basket.
//!
//! First every coupon is judged by itself: whose it is, its state, its time, and whether it fits where it is laid. Then
//! those that fit are applied: on each line fixed amounts before percentages, then the order's coupon to what is left,
//! spread over the lines by largest remainder. A minimum spend is compared with what the coupon meets when its turn
//! comes.

use bojagi_kernel::Moment;
use bojagi_kernel::id::{CouponId, IssuedCouponId};

use super::{Basket, IssuedCoupon, PieceRefusal, Terms};

mod apply;
mod judge;
#[cfg(test)]
mod tests;

/// The coupons that somebody wants to use, and where; lines are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wishes {
    pub(crate) on_lines: Vec<(usize, IssuedCouponId)>,
    pub(crate) on_order: Option<IssuedCouponId>,
}

/// A piece that the customer has, with what it promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldCoupon {
    pub(crate) issued: IssuedCoupon,
    pub(crate) terms: Terms,
}

/// What coupons take off a basket; amounts are minor units of the basket's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quote {
    /// One for each line of the basket.
    pub(crate) lines: Vec<LineAmounts>,
    /// One for each wish on a line, with that line.
    pub(crate) on_lines: Vec<(usize, Verdict)>,
    /// One for the wish on the order.
    pub(crate) on_order: Option<Verdict>,
}

/// The amounts of one line. gross = net + item discount + order discount, and the two discounts together are the two
/// funders' parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LineAmounts {
    pub(crate) gross: i64,
    pub(crate) item_discount: i64,
    pub(crate) order_discount: i64,
    pub(crate) platform_discount: i64,
    pub(crate) seller_discount: i64,
}

/// What became of one wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) issued_coupon_id: IssuedCouponId,
    pub(crate) outcome: Result<Accepted, PieceRefusal>,
}

/// A coupon that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) coupon_id: CouponId,
    /// What it takes off. A coupon that takes off nothing is not consumed.
    pub(crate) discount: i64,
    /// Whether the half or the cap made it less than promised.
    pub(crate) clamped: bool,
}

/// A coupon that an order takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consumed {
    pub(crate) issued_coupon_id: IssuedCouponId,
    pub(crate) coupon_id: CouponId,
    /// What it takes off, in minor units; above 0.
    pub(crate) discount: i64,
}

/// Judges the wishes of a customer who has the coupons `held`, and computes what those that fit take off.
pub(crate) fn quote(basket: &Basket, wishes: &Wishes, held: &[HeldCoupon], now: Moment) -> Quote {
    let judged = judge::judge(basket, wishes, held, now);
    apply::apply(basket, judged)
}

impl Wishes {
    /// All pieces that are wished for, in their order; one may come twice.
    pub(crate) fn issued_coupon_ids(&self) -> impl Iterator<Item = IssuedCouponId> {
        self.on_lines.iter().map(|(_, issued_coupon_id)| *issued_coupon_id).chain(self.on_order)
    }
}

impl Quote {
    /// What all lines cost before discounts.
    pub(crate) fn total_gross(&self) -> i64 {
        self.lines.iter().map(|line| line.gross).sum()
    }

    /// What all coupons take off.
    pub(crate) fn total_discount(&self) -> i64 {
        self.lines.iter().map(LineAmounts::discount).sum()
    }

    /// All verdicts: those on lines as they were wished for, then the one on the order.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        self.on_lines.iter().map(|(_, verdict)| verdict).chain(&self.on_order)
    }

    /// The first refusal, when one of the coupons does not count.
    pub(crate) fn first_refusal(&self) -> Option<&PieceRefusal> {
        self.verdicts().find_map(|verdict| verdict.outcome.as_ref().err())
    }

    /// The pieces that an order would take: those that take something off.
    pub(crate) fn consumed(&self) -> Vec<Consumed> {
        let consumed = self.verdicts().filter_map(|verdict| {
            let Accepted { coupon_id, discount, .. } = *verdict.outcome.as_ref().ok()?;
            Some(Consumed { issued_coupon_id: verdict.issued_coupon_id, coupon_id, discount })
        });
        consumed.filter(|consumed| consumed.discount > 0).collect()
    }
}

impl LineAmounts {
    /// What is taken off in all.
    pub(crate) const fn discount(&self) -> i64 {
        self.item_discount + self.order_discount
    }

    /// What the customer pays; never below 0.
    pub(crate) const fn net(&self) -> i64 {
        self.gross - self.discount()
    }
}
