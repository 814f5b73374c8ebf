//! The rules of coupons: who may have a piece, what it takes off, and when it is kept, used or free. Nothing here knows
//! a clock, a database or a wire.

mod basket;
mod benefit;
mod canonical;
mod counter;
mod coupon;
mod issued;
mod quote;
mod redemption;
mod refusal;

pub(crate) use basket::{Basket, LARGEST_PRICE, LARGEST_QUANTITY, WantedLine};
pub(crate) use benefit::{Benefit, Scope, Terms};
pub(crate) use canonical::Canonical;
pub(crate) use counter::Counter;
pub(crate) use coupon::{Changes, Coupon, CouponState, Details, Window};
pub(crate) use issued::{IssuedCoupon, IssuedState};
pub(crate) use quote::{Consumed, HeldCoupon, Quote, Verdict, Wishes, quote};
pub(crate) use redemption::{DiscountedLine, Redemption, RedemptionState};
pub(crate) use refusal::{CouponRefusal, PieceRefusal, Rule};
