#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a kit for tests fails by panicking")]

mod broker;
mod noon;
mod person;
mod raw;
mod refunds;
mod shop;
mod wish;

pub use broker::Broker;
pub use noon::SinceNoon;
pub use person::Person;
pub use raw::{call, code};
pub use shop::{Offer, Shop};
pub use wish::{Line, Wish};

/// An amount in won.
#[must_use]
pub fn won(minor_units: i64) -> bojagi_api::common::Money {
    bojagi_api::common::Money { currency_code: "KRW".into(), minor_units }
}
