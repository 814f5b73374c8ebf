//! Where pieces are given out to customers who ask at the same moment: one after the other, each sees what those before have left.

use std::collections::BTreeMap;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, CouponId, IssuedCouponId};

use super::{Coupon, CouponRefusal, IssuedCoupon};

#[cfg(test)]
mod tests;

/// The coupons that are asked for, and who has a piece of them.
pub(crate) struct Counter {
    coupons: BTreeMap<CouponId, Coupon>,
    had: BTreeMap<(CouponId, AccountId), IssuedCouponId>,
    issued: BTreeMap<CouponId, i64>,
}

impl Counter {
    pub(crate) fn new(
        coupons: impl IntoIterator<Item = Coupon>,
        had: BTreeMap<(CouponId, AccountId), IssuedCouponId>,
    ) -> Self {
        let coupons = coupons.into_iter().map(|coupon| (coupon.coupon_id, coupon)).collect();
        Self { coupons, had, issued: BTreeMap::new() }
    }

    /// Gives a customer a piece, and answers it with the coupon as it is then. That the customer has a piece says more than that
    /// none is left, so it is looked at first.
    ///
    /// # Errors
    /// `AlreadyIssued`, `CouponNotFound`, and as [`Coupon::check_open`].
    pub(crate) fn give(
        &mut self,
        coupon_id: CouponId,
        customer_id: AccountId,
        now: Moment,
    ) -> Result<(IssuedCoupon, Coupon), CouponRefusal> {
        if let Some(&issued_coupon_id) = self.had.get(&(coupon_id, customer_id)) {
            return Err(CouponRefusal::AlreadyIssued { issued_coupon_id });
        }
        let coupon = self.coupons.get_mut(&coupon_id).ok_or(CouponRefusal::CouponNotFound)?;
        let piece = coupon.issue(customer_id, now)?;
        self.had.insert((coupon_id, customer_id), piece.issued_coupon_id);
        *self.issued.entry(coupon_id).or_default() += 1;
        Ok((piece, coupon.clone()))
    }

    /// How many pieces were given of each coupon.
    pub(crate) const fn issued(&self) -> &BTreeMap<CouponId, i64> {
        &self.issued
    }
}
