//! The text of a quote that is hashed: the same for the same prices, coupons and amounts, whoever asks and whatever the
//! lines are called.

use std::fmt::{self, Display};

use bojagi_kernel::id::IssuedCouponId;

use super::{Basket, Quote};

/// A quote in its canonical form: the lines in their order with what takes effect on each, then the order's own coupon.
/// Coupons of a line are sorted by id, since the order in which they were named has no effect; refused ones leave no
/// trace.
pub(crate) struct Canonical<'a>(pub(crate) &'a Basket, pub(crate) &'a Quote);

impl Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(basket, quote) = self;
        writeln!(f, "bojagi quote 1 {}", basket.currency())?;
        for (index, (line, amounts)) in basket.lines().iter().zip(&quote.lines).enumerate() {
            writeln!(
                f,
                "line {} {} {} {} {} {} {}",
                line.option_id,
                line.quantity,
                line.unit_price.minor(),
                amounts.item_discount,
                amounts.order_discount,
                amounts.platform_discount,
                amounts.seller_discount,
            )?;
            let mut coupons: Vec<_> = quote.accepted_on(index).collect();
            coupons.sort_unstable();
            for (issued_coupon_id, discount) in coupons {
                writeln!(f, "coupon {issued_coupon_id} {discount}")?;
            }
        }
        match quote.accepted_on_order() {
            Some((issued_coupon_id, discount)) => writeln!(f, "order {issued_coupon_id} {discount}"),
            None => Ok(()),
        }
    }
}

impl Quote {
    /// The coupons that count on a line, with what each takes off.
    pub(crate) fn accepted_on(&self, line: usize) -> impl Iterator<Item = (IssuedCouponId, i64)> {
        self.on_lines.iter().filter(move |(laid_on, _)| *laid_on == line).filter_map(|(_, verdict)| {
            let accepted = verdict.outcome.as_ref().ok()?;
            Some((verdict.issued_coupon_id, accepted.discount))
        })
    }

    fn accepted_on_order(&self) -> Option<(IssuedCouponId, i64)> {
        let verdict = self.on_order.as_ref()?;
        let accepted = verdict.outcome.as_ref().ok()?;
        Some((verdict.issued_coupon_id, accepted.discount))
    }
}
