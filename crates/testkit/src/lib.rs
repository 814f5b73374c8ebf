#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a kit for tests fails by panicking")]

mod callers;
mod collector;
mod place;
mod plan;
mod publisher;
mod rig;
mod wait;

pub use callers::{AccountChannel, TestAccount, TestKey};
pub use collector::{CollectedSpan, Collector, hex};
pub use place::{Place, SERVER_VARIABLE};
pub use plan::Explain;
pub use publisher::Publisher;
pub use rig::Rig;
pub use wait::{eventually, reason};
