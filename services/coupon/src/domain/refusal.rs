//! What coupon refuses: wishes as a whole, and single coupons of a customer.

use std::fmt;

use bojagi_kernel::id::{IssuedCouponId, OptionId};
use bojagi_kernel::{Moment, refusals};

use super::IssuedState;

refusals! {
    /// What coupon refuses.
    pub(crate) enum CouponRefusal in "coupon" {
        /// There is no such coupon.
        CouponNotFound => NotFound "COUPON_NOT_FOUND" ("there is no such coupon"),
        /// The coupon is issued no more.
        CouponRetired => WrongState "COUPON_RETIRED" ("this coupon is issued no more"),
        /// The issue of the coupon has not begun.
        NotYetOpen { opens_at: Moment }
            => WrongState "COUPON_NOT_OPEN" ("this coupon is issued from {opens_at}"),
        /// The issue of the coupon, or the time in which it can be used, is over.
        NoLongerOpen { closes_at: Moment }
            => WrongState "COUPON_NOT_OPEN" ("this coupon was issued until {closes_at}"),
        /// Every piece of the coupon has been issued.
        SoldOut { issue_limit: i64 }
            => WrongState "COUPON_SOLD_OUT" ("all {issue_limit} pieces have been issued"),
        /// The customer has a piece of the coupon already, or had one.
        AlreadyIssued { issued_coupon_id: IssuedCouponId }
            => AlreadyExists "COUPON_ALREADY_ISSUED" ("you have had this coupon already"),
        /// The new limit is below what has been issued.
        IssueLimitBelowIssued { issued_count: i64 }
            => WrongState "ISSUE_LIMIT_BELOW_ISSUED" ("{issued_count} pieces have been issued already"),
        /// The discount is not what the customer was shown; in minor units.
        DiscountChanged { expected: i64, actual: i64, quote_hash: String }
            => WrongState "DISCOUNT_CHANGED" ("the discount is {actual}, not {expected}"),
        /// The order has ended; nothing can be reserved for it any more.
        OrderEnded => WrongState "ORDER_ENDED" ("this order has ended"),
        /// Nothing of this id is on offer.
        OptionNotFound { option_id: OptionId } => NotFound "ITEM_NOT_FOUND" ("{option_id} is not on offer"),
        /// An amount is in another currency than the rest.
        CurrencyMismatch { option_id: OptionId }
            => Invalid "CURRENCY_MISMATCH" ("all amounts of an order are in one currency; {option_id} differs"),
        /// The same order was asked for with other lines or coupons.
        AskedDifferently
            => Invalid "IDEMPOTENCY_KEY_REUSED" ("this order was asked for with other lines or coupons"),
    }
}

refusals! {
    /// Why a customer's coupon does not count. A quote names it beside the coupon, a redemption is refused by it.
    pub(crate) enum PieceRefusal in "coupon" {
        /// The customer has no such piece of a coupon; somebody else may have it.
        NotFound { issued_coupon_id: IssuedCouponId }
            => NotFound "COUPON_NOT_FOUND" ("you have no such coupon"),
        /// The piece is kept for an order or was used in one.
        Taken { issued_coupon_id: IssuedCouponId, state: IssuedState }
            => WrongState "COUPON_USED" ("this coupon is {state} for an order"),
        /// The time of the piece has passed.
        Expired { issued_coupon_id: IssuedCouponId, expired_at: Moment }
            => WrongState "COUPON_EXPIRED" ("this coupon could be used until {expired_at}"),
        /// The piece breaks a rule of how coupons are laid on an order.
        NotApplicable { issued_coupon_id: IssuedCouponId, rule: Rule }
            => WrongState "COUPON_NOT_APPLICABLE" ("this coupon cannot be used here: {rule}"),
        /// What the coupon would apply to is less than it demands; in minor units.
        BelowMinimumSpend { issued_coupon_id: IssuedCouponId, minimum: i64, amount: i64 }
            => WrongState "MINIMUM_SPEND" ("this coupon needs an amount of {minimum}, not {amount}"),
    }
}

/// A rule of how coupons are laid on an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// An item coupon needs a line with a single piece.
    QuantityNotOne,
    /// A line takes two coupons.
    TooManyOnLine,
    /// A piece is laid in one place.
    UsedTwice,
    /// An item coupon was laid on the order, or an order coupon on a line.
    WrongScope,
    /// The coupon cannot be used yet.
    NotYetValid,
    /// The amounts of the coupon are in another currency than the order.
    Currency,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QuantityNotOne => "QUANTITY_NOT_ONE",
            Self::TooManyOnLine => "TOO_MANY_ON_LINE",
            Self::UsedTwice => "USED_TWICE",
            Self::WrongScope => "WRONG_SCOPE",
            Self::NotYetValid => "NOT_YET_VALID",
            Self::Currency => "CURRENCY",
        })
    }
}
