//! The facts that order tells, and those it hears.

mod heard;
mod refunds;
mod told;

pub(crate) use heard::{accounts, carts, coupons, payments, refunds as refunds_of_pieces, stock};
pub(crate) use told::tell;
