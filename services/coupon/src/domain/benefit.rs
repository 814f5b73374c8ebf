//! What one coupon takes off one amount.

use std::cmp::Reverse;

use bojagi_kernel::{BasisPoints, Currency, Money};

#[cfg(test)]
mod tests;

/// What a coupon applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One line with a single piece.
    Item,
    /// A whole order, after the coupons of its lines.
    Order,
}

/// What a coupon takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Benefit {
    /// An amount, but at most half of what it applies to.
    Fixed(Money),
    /// A part of what it applies to, but at most the cap.
    Percent { rate: BasisPoints, cap: Option<Money> },
}

/// The promise of a coupon; it never changes, so that what was computed once is computed again the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) benefit: Benefit,
    pub(crate) scope: Scope,
    /// The least amount that it applies to.
    pub(crate) minimum_spend: Option<Money>,
    /// The part of the discount that the seller pays for; the platform pays for the rest.
    pub(crate) seller_share: BasisPoints,
}

/// What a benefit comes to, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deduction {
    pub(crate) discount: i64,
    /// Whether the half or the cap made it less than promised.
    pub(crate) clamped: bool,
}

impl Benefit {
    /// What it takes off `amount` minor units, which are not negative: never more than they are.
    pub(crate) fn of(&self, amount: i64) -> Deduction {
        let (promised, most) = match self {
            Self::Fixed(fixed) => (fixed.minor(), amount / 2),
            Self::Percent { rate, cap } => (part(*rate, amount), cap.map_or(amount, |cap| cap.minor())),
        };
        Deduction { discount: promised.min(most), clamped: promised > most }
    }

    /// Where it comes among the benefits laid on the same line: fixed amounts before percentages, the larger before the
    /// smaller. The result thus does not depend on the order in which somebody names them.
    pub(crate) fn precedence(&self) -> (bool, Reverse<i64>) {
        match self {
            Self::Fixed(fixed) => (false, Reverse(fixed.minor())),
            Self::Percent { rate, .. } => (true, Reverse(i64::from(rate.points()))),
        }
    }
}

impl Terms {
    /// The currency of its amounts, if it has any.
    pub(crate) fn currency(&self) -> Option<Currency> {
        let amount = match self.benefit {
            Benefit::Fixed(fixed) => Some(fixed),
            Benefit::Percent { cap, .. } => cap,
        };
        amount.or(self.minimum_spend).map(|amount| amount.currency())
    }

    /// The seller's part of a discount. It is rounded down: the unit that cannot be divided is the platform's.
    pub(crate) fn seller_part(&self, discount: i64) -> i64 {
        part(self.seller_share, discount)
    }
}

/// A rate of `amount` minor units, of whatever currency, rounded down.
fn part(rate: BasisPoints, amount: i64) -> i64 {
    rate.of(Money::new(Currency::KRW, amount)).minor()
}
