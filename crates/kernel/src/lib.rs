#![doc = include_str!("../README.md")]

pub mod id;
pub mod money;
pub mod refusal;
pub mod split;
pub mod text;
pub mod time;

pub use money::{BasisPoints, Currency, Money, MoneyError};
pub use refusal::{Failure, Kind, Refusal, Violation};
pub use time::{Clock, ManualClock, Moment, ShopCalendar, SystemClock};

/// What the macros of this crate need from others.
#[doc(hidden)]
pub mod reexport {
    pub use uuid::Uuid;
}
