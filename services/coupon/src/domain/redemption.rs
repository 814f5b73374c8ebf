//! The coupons that an order takes, from the ask until the order has ended.

use bojagi_kernel::id::{IssuedCouponId, OrderLineId};

/// What has become of an order's coupons. Every order that asks has one state here, whether or not it takes a coupon, so that
/// an ask that comes after the end of its order is known to be late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedemptionState {
    /// Kept until the order ends.
    Reserved,
    /// Used, since the order was confirmed.
    Used,
    /// Given back, since the order failed or was cancelled; final.
    Released,
}

/// What an order has reserved; amounts are minor units of the order's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redemption {
    pub(crate) state: RedemptionState,
    /// The lines that are discounted; all others pay in full.
    pub(crate) lines: Vec<DiscountedLine>,
    /// The pieces that the order takes.
    pub(crate) consumed: Vec<IssuedCouponId>,
    pub(crate) quote_hash: String,
}

/// A line on which something is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiscountedLine {
    pub(crate) order_line_id: OrderLineId,
    pub(crate) item_discount: i64,
    pub(crate) order_discount: i64,
    pub(crate) platform_discount: i64,
    pub(crate) seller_discount: i64,
}
