//! The rules of stores, catalogue and stock: pure, so that they can be read and tested without a database or a clock.

pub(crate) mod catalogue;
pub(crate) mod favours;
pub(crate) mod hold;
pub(crate) mod options;
pub(crate) mod ranking;
pub(crate) mod refund;
pub(crate) mod refusal;
pub(crate) mod reservation;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod shelf;
pub(crate) mod stock;
pub(crate) mod wishlist;
