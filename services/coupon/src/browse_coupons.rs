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

/// Coupons, newest first, beginning after `after`.
pub(crate) async fn coupons(
    context: &Context,
    filter: CouponFilter,
    after: Option<(Moment, CouponId)>,
    limit: i64,
) -> Result<Vec<Coupon>, Failure> {
    let now = context.clock.now();
    let listed: Result<_, Error> =
        context.store.show(async move |tx: &mut Tx| coupons::list(tx, filter, after, limit, now).await).await;
    Ok(listed?)
}

/// The pieces that a customer can use at `now`, at most `limit`, those that expire first before the others; and how many there are.
pub(crate) async fn usable_of(
    context: &Context,
    customer_id: AccountId,
    limit: i64,
    now: Moment,
) -> Result<(Vec<PieceOfCoupon>, i64), Failure> {
    let usable: Result<_, Error> =
        context.store.show(async move |tx: &mut Tx| pieces::usable(tx, customer_id, limit, now).await).await;
    Ok(usable?)
}

/// A customer's pieces, newest first, beginning after `after`.
pub(crate) async fn pieces_of(
    context: &Context,
    customer_id: AccountId,
    state: Option<IssuedState>,
    after: Option<(Moment, IssuedCouponId)>,
    limit: i64,
) -> Result<Vec<PieceOfCoupon>, Failure> {
    let now = context.clock.now();
    let listed: Result<_, Error> = context
        .store
        .read(async move |tx: &mut Tx| pieces::list(tx, customer_id, state, after, limit, now).await)
        .await;
    Ok(listed?)
}
