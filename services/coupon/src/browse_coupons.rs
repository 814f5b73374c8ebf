//! Reading coupons, and one's own pieces.

use bojagi_chassis::Context;
use bojagi_kernel::id::{AccountId, CouponId, IssuedCouponId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, Tx};

use crate::domain::{Coupon, CouponRefusal, IssuedState};
use crate::store::coupons::CouponFilter;
use crate::store::pieces::PieceOfCoupon;
use crate::store::{coupons, pieces};

/// One coupon.
///
/// # Errors
/// `CouponNotFound`.
pub(crate) async fn coupon(context: &Context, coupon_id: CouponId) -> Result<Coupon, Failure> {
    let found: Result<_, Error> = context.store.read(async move |tx: &mut Tx| coupons::find(tx, coupon_id).await).await;
    Ok(found?.ok_or(CouponRefusal::CouponNotFound)?)
}

/// A page of coupons, newest first, and whether there are more.
pub(crate) async fn coupons(
    context: &Context,
    filter: CouponFilter,
    after: Option<(Moment, CouponId)>,
    size: usize,
) -> Result<(Vec<Coupon>, bool), Failure> {
    let now = context.clock.now();
    let listed: Result<_, Error> = context
        .store
        .show(async move |tx: &mut Tx| coupons::list(tx, filter, after, one_more_than(size), now).await)
        .await;
    Ok(cut(listed?, size))
}

/// A page of a customer's pieces, newest first, and whether there are more.
pub(crate) async fn pieces_of(
    context: &Context,
    customer_id: AccountId,
    state: Option<IssuedState>,
    after: Option<(Moment, IssuedCouponId)>,
    size: usize,
) -> Result<(Vec<PieceOfCoupon>, bool), Failure> {
    let now = context.clock.now();
    let listed: Result<_, Error> = context
        .store
        .read(async move |tx: &mut Tx| pieces::list(tx, customer_id, state, after, one_more_than(size), now).await)
        .await;
    Ok(cut(listed?, size))
}

fn one_more_than(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1)
}

/// The page, without the row that was read only to see whether there are more.
fn cut<T>(mut rows: Vec<T>, size: usize) -> (Vec<T>, bool) {
    let more = rows.len() > size;
    rows.truncate(size);
    (rows, more)
}
