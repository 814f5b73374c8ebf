#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a kit for tests fails by panicking")]

mod mint;
mod person;
mod raw;
mod shop;

pub use person::{Line, Person, Wish};
pub use raw::call;
pub use shop::{Offer, Shop};

/// An amount in won.
#[must_use]
pub fn won(minor_units: i64) -> bojagi_api::common::Money {
    bojagi_api::common::Money { currency_code: "KRW".into(), minor_units }
}
