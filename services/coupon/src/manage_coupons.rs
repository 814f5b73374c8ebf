//! What an admin does with coupons. Each is a unit of work that has the store to itself, so that what is decided from a coupon
//! still holds when it is saved.

use bojagi_kernel::id::CouponId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::{Changes, Coupon, CouponRefusal, Details, Terms};
use crate::store::coupons;

/// Creates a coupon.
pub(crate) async fn create(tx: &mut Tx, details: Details, terms: Terms, now: Moment) -> Result<Coupon, Failure> {
    let coupon = Coupon::create(details, terms, now);
    coupons::insert(tx, &coupon).await?;
    Ok(coupon)
}

/// Changes a coupon for pieces to come.
///
/// # Errors
/// `CouponNotFound`, `CouponRetired`, `IssueLimitBelowIssued`.
pub(crate) async fn update(tx: &mut Tx, coupon_id: CouponId, changes: Changes, now: Moment) -> Result<Coupon, Failure> {
    let mut coupon = coupons::find(tx, coupon_id).await?.ok_or(CouponRefusal::CouponNotFound)?;
    coupon.change(changes, now)?;
    coupons::save(tx, &coupon).await?;
    Ok(coupon)
}

/// Ends the issue of a coupon; one that is retired is answered unchanged.
///
/// # Errors
/// `CouponNotFound`.
pub(crate) async fn retire(tx: &mut Tx, coupon_id: CouponId, now: Moment) -> Result<Coupon, Failure> {
    let mut coupon = coupons::find(tx, coupon_id).await?.ok_or(CouponRefusal::CouponNotFound)?;
    if coupon.retire(now) {
        coupons::save(tx, &coupon).await?;
    }
    Ok(coupon)
}
