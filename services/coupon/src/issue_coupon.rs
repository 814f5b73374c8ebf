//! First come, first served.
//!
//! Units of work are done in order of arrival, and the piece is counted by an update that is conditional on the limit:
//! who came earlier is served earlier, and what was answered is on disk.

use bojagi_kernel::id::{AccountId, CouponId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::CouponRefusal;
use crate::events;
use crate::store::pieces::PieceOfCoupon;
use crate::store::{coupons, pieces};

/// Issues a piece of the coupon to a customer.
///
/// # Errors
/// `CouponNotFound`, `AlreadyIssued`, `CouponRetired`, `NotYetOpen`, `NoLongerOpen`, `SoldOut`.
pub(crate) async fn issue(
    tx: &mut Tx,
    coupon_id: CouponId,
    customer_id: AccountId,
    now: Moment,
) -> Result<PieceOfCoupon, Failure> {
    let Some(coupon) = coupons::count_issue(tx, coupon_id, now).await? else {
        return Err(why_not(tx, coupon_id, customer_id, now).await);
    };
    let piece = coupon.piece_for(customer_id, now);
    if !pieces::insert(tx, &piece).await? {
        return Err(why_not(tx, coupon_id, customer_id, now).await);
    }
    events::tell_issued(tx, &piece, now).await?;
    Ok(PieceOfCoupon { piece, coupon })
}

/// That the customer has a piece says more than that none is left, so it is looked at first.
async fn why_not(tx: &mut Tx, coupon_id: CouponId, customer_id: AccountId, now: Moment) -> Failure {
    let refused = async {
        if let Some(issued_coupon_id) = pieces::of_coupon(tx, coupon_id, customer_id).await? {
            return Err(CouponRefusal::AlreadyIssued { issued_coupon_id }.into());
        }
        let coupon = coupons::find(tx, coupon_id).await?.ok_or(CouponRefusal::CouponNotFound)?;
        coupon.check_open(now)?;
        Ok(())
    };
    match refused.await {
        Err(failure) => failure,
        // Only another unit between the two statements can have opened it, as a raised limit does.
        Ok(()) => Failure::Unavailable(format!("coupon {coupon_id} was opened meanwhile").into()),
    }
}
