//! Whether a coupon fits where it is laid, as far as that can be said without computing.

use bojagi_kernel::Moment;
use bojagi_kernel::id::IssuedCouponId;

use super::{HeldCoupon, Wishes};
use crate::domain::{Basket, PieceRefusal, Rule, Scope};

/// Coupons that a line takes at most.
const COUPONS_A_LINE: usize = 2;

/// A wish with the coupon that fits it, or why there is none.
pub(super) struct Judged<'a> {
    pub(super) issued_coupon_id: IssuedCouponId,
    pub(super) fits: Result<&'a HeldCoupon, PieceRefusal>,
}

/// The wishes on lines, each with its line, and the wish on the order.
pub(super) struct AllJudged<'a> {
    pub(super) on_lines: Vec<(usize, Judged<'a>)>,
    pub(super) on_order: Option<Judged<'a>>,
}

/// Judges every wish. Where more compete than there is room for, the earlier ones fit.
pub(super) fn judge<'a>(basket: &Basket, wishes: &Wishes, held: &'a [HeldCoupon], now: Moment) -> AllJudged<'a> {
    let mut judge = Judge { basket, held, now, seen: Vec::new(), taken: vec![0; basket.lines().len()] };
    let on_lines = wishes.on_lines.iter().map(|(line, issued_coupon_id)| {
        let fits = judge.on_line(*line, *issued_coupon_id);
        (*line, Judged { issued_coupon_id: *issued_coupon_id, fits })
    });
    let on_lines = on_lines.collect();
    let on_order = wishes.on_order.map(|issued_coupon_id| {
        let fits = judge.laid(issued_coupon_id, Scope::Order);
        Judged { issued_coupon_id, fits }
    });
    AllJudged { on_lines, on_order }
}

struct Judge<'a, 'b> {
    basket: &'b Basket,
    held: &'a [HeldCoupon],
    now: Moment,
    /// Pieces named before, in any place.
    seen: Vec<IssuedCouponId>,
    /// Coupons that fit, by line.
    taken: Vec<usize>,
}

impl<'a> Judge<'a, '_> {
    fn on_line(&mut self, line: usize, issued_coupon_id: IssuedCouponId) -> Result<&'a HeldCoupon, PieceRefusal> {
        let coupon = self.laid(issued_coupon_id, Scope::Item)?;
        if self.basket.lines().get(line).is_none_or(|line| line.quantity != 1) {
            return Err(PieceRefusal::NotApplicable { issued_coupon_id, rule: Rule::QuantityNotOne });
        }
        if self.taken[line] == COUPONS_A_LINE {
            return Err(PieceRefusal::NotApplicable { issued_coupon_id, rule: Rule::TooManyOnLine });
        }
        self.taken[line] += 1;
        Ok(coupon)
    }

    fn laid(&mut self, issued_coupon_id: IssuedCouponId, scope: Scope) -> Result<&'a HeldCoupon, PieceRefusal> {
        let coupon = self
            .held
            .iter()
            .find(|coupon| coupon.issued.issued_coupon_id == issued_coupon_id)
            .ok_or(PieceRefusal::NotFound { issued_coupon_id })?;
        coupon.issued.check_usable(self.now)?;
        let refuse = |rule| Err(PieceRefusal::NotApplicable { issued_coupon_id, rule });
        if self.seen.contains(&issued_coupon_id) {
            return refuse(Rule::UsedTwice);
        }
        self.seen.push(issued_coupon_id);
        if coupon.terms.scope != scope {
            return refuse(Rule::WrongScope);
        }
        if coupon.terms.currency().is_some_and(|currency| currency != self.basket.currency()) {
            return refuse(Rule::Currency);
        }
        Ok(coupon)
    }
}
