//! Computing what the coupons that fit take off.

use bojagi_kernel::split;

use super::judge::{AllJudged, Judged};
use super::{Accepted, HeldCoupon, LineAmounts, Quote, Verdict};
use crate::domain::benefit::Deduction;
use crate::domain::{Basket, PieceRefusal, Terms};

/// Applies the coupons that fit; the others keep their refusals.
pub(super) fn apply(basket: &Basket, judged: AllJudged<'_>) -> Quote {
    let lines = basket.lines().iter().map(|line| LineAmounts { gross: line.gross(), ..LineAmounts::default() });
    let mut quote = Quote { lines: lines.collect(), on_lines: Vec::new(), on_order: None };
    quote.apply_to_lines(judged.on_lines);
    quote.on_order = judged.on_order.map(|Judged { issued_coupon_id, fits }| {
        let outcome = fits.and_then(|coupon| quote.apply_to_order(coupon, basket));
        Verdict { issued_coupon_id, outcome }
    });
    quote
}

impl Quote {
    /// Coupons take their turns by precedence, then by id; the verdicts stay in the order of the wishes.
    fn apply_to_lines(&mut self, judged: Vec<(usize, Judged<'_>)>) {
        let mut turns: Vec<_> = judged.into_iter().enumerate().collect();
        turns.sort_by_key(|(_, (_, judged))| {
            let precedence = judged.fits.as_ref().ok().map(|coupon| coupon.terms.benefit.precedence());
            (precedence, judged.issued_coupon_id)
        });
        let mut verdicts: Vec<_> = turns
            .into_iter()
            .map(|(wish, (line, Judged { issued_coupon_id, fits }))| {
                let outcome = fits.and_then(|coupon| self.lines[line].apply(coupon));
                (wish, (line, Verdict { issued_coupon_id, outcome }))
            })
            .collect();
        verdicts.sort_by_key(|(wish, _)| *wish);
        self.on_lines = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    }

    /// Spreads what the coupon takes off over what the lines cost after their own coupons; a line that costs nothing
    /// gets nothing. Ties are broken by what a line is, not by its place, so that the order of the lines has no effect;
    /// lines that are alike in everything may take each other's place.
    fn apply_to_order(&mut self, coupon: &HeldCoupon, basket: &Basket) -> Result<Accepted, PieceRefusal> {
        let amount = self.lines.iter().map(LineAmounts::net).sum();
        let accepted = coupon.apply_to(amount)?;
        let weights: Vec<_> = basket
            .lines()
            .iter()
            .zip(&self.lines)
            .enumerate()
            .map(|(index, (line, amounts))| {
                let mut coupons: Vec<_> = self.accepted_on(index).collect();
                coupons.sort_unstable();
                (amounts.net(), (line.option_id, line.quantity, coupons, index))
            })
            .collect();
        // A discount above 0 comes from an amount above 0, so there is always a line to take it.
        let parts = split::by_largest_remainder(accepted.discount, &weights).unwrap_or_default();
        for (line, part) in self.lines.iter_mut().zip(parts) {
            line.order_discount = part;
            line.fund(&coupon.terms, part);
        }
        Ok(accepted)
    }
}

impl LineAmounts {
    fn apply(&mut self, coupon: &HeldCoupon) -> Result<Accepted, PieceRefusal> {
        let accepted = coupon.apply_to(self.net())?;
        self.item_discount += accepted.discount;
        self.fund(&coupon.terms, accepted.discount);
        Ok(accepted)
    }

    fn fund(&mut self, terms: &Terms, discount: i64) {
        let seller_part = terms.seller_part(discount);
        self.seller_discount += seller_part;
        self.platform_discount += discount - seller_part;
    }
}

impl HeldCoupon {
    fn apply_to(&self, amount: i64) -> Result<Accepted, PieceRefusal> {
        if let Some(minimum) = self.terms.minimum_spend.filter(|minimum| amount < minimum.minor()) {
            return Err(PieceRefusal::BelowMinimumSpend {
                issued_coupon_id: self.issued.issued_coupon_id,
                minimum: minimum.minor(),
                amount,
            });
        }
        let Deduction { discount, clamped } = self.terms.benefit.of(amount);
        Ok(Accepted { coupon_id: self.issued.coupon_id, discount, clamped })
    }
}
