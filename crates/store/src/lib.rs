#![doc = include_str!("../README.md")]

mod error;
pub mod idempotency;
mod migrate;
mod recent;
mod row;
mod sqlite;
mod store;
mod tx;
mod value;

pub use error::Error;
pub use migrate::Migration;
pub use recent::Announced;
pub use row::{Column, FromRow, Row};
pub use store::{Options, Store};
pub use tx::Tx;
pub use value::{Bind, Value};
