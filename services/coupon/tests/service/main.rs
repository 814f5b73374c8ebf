//! The coupon context through its public API: real tokens, a store on disk, a clock that stands still.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod instances;
mod issue;
mod lists;
mod manage;
mod operations;
mod orders;
mod quote;
mod redeem;
mod shop;
mod time;
