//! What becomes of an order's coupons when the order is confirmed, fails, or is cancelled.

use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::{Consumed, IssuedState, RedemptionState};
use crate::events::{self, OrderCoupons};
use crate::store::redemptions::EndedRedemption;
use crate::store::{pieces, redemptions};

/// The order was confirmed: its coupons are used.
///
/// # Errors
/// When the order had ended before: that contradicts itself and has to be looked at.
pub(crate) async fn confirm(tx: &mut Tx, order_id: OrderId, now: Moment) -> Result<(), Failure> {
    let Some(confirmed) = redemptions::confirm(tx, order_id).await? else {
        return match redemptions::find(tx, order_id).await?.map(|row| row.state) {
            Some(RedemptionState::Released) => {
                Err(Failure::broken(format!("order {order_id} was confirmed after its coupons had been given back")))
            }
            _ => Ok(()),
        };
    };
    let coupons = coupons_of(tx, order_id, &confirmed).await?;
    if coupons.is_empty() {
        return Ok(());
    }
    for coupon in &coupons {
        if !pieces::use_up(tx, coupon.issued_coupon_id, order_id, now).await? {
            return Err(not_with(order_id, coupon));
        }
    }
    events::tell_used(tx, &OrderCoupons::of(order_id, &confirmed), &coupons, now).await
}

/// The order has ended without a sale: its coupons are free again, or expired if their time has passed meanwhile. Told
/// once, even when there were none, because order waits for it.
pub(crate) async fn release(tx: &mut Tx, order_id: OrderId, now: Moment) -> Result<(), Failure> {
    let Some(released) = redemptions::release(tx, order_id, now).await? else {
        return Ok(());
    };
    let (mut returned, mut expired) = (Vec::new(), Vec::new());
    for coupon in coupons_of(tx, order_id, &released).await? {
        let piece = pieces::give_back(tx, coupon.issued_coupon_id, order_id, now).await?;
        let piece = piece.ok_or_else(|| not_with(order_id, &coupon))?;
        if piece.state == IssuedState::Expired {
            events::tell_expired(tx, &piece, now).await?;
            expired.push(coupon);
        } else {
            returned.push(coupon);
        }
    }
    events::tell_released(tx, &OrderCoupons::of(order_id, &released), &returned, &expired, now).await
}

async fn coupons_of(tx: &mut Tx, order_id: OrderId, ended: &EndedRedemption) -> Result<Vec<Consumed>, Failure> {
    // Most orders take no coupon, and for them the row says all.
    if ended.consumed_count == 0 {
        return Ok(Vec::new());
    }
    Ok(redemptions::coupons(tx, order_id).await?)
}

fn not_with(order_id: OrderId, coupon: &Consumed) -> Failure {
    Failure::broken(format!("order {order_id} should have the issued coupon {}, and has not", coupon.issued_coupon_id))
}
