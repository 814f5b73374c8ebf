#![doc = include_str!("../README.md")]

mod announcer;
mod combined;
mod counted;
mod error;
mod filter;
pub mod idempotency;
mod lock;
mod log_entry;
mod many;
mod migrate;
mod postgres;
mod queue;
mod recent;
mod row;
mod session;
mod spans;
mod sqlite;
mod store;
mod tx;
mod value;

pub use combined::{Asked, Combined};
pub use error::{Error, Reason, StoreRefusal};
pub use filter::{Filter, containing};
pub use lock::LockKey;
pub use log_entry::LogEntry;
pub use migrate::Migration;
pub use postgres::{PostgresOptions, UrlError, copy_to_file, drop_schema, end_connections};
pub use recent::Announced;
pub use row::{Column, FromRow, Row};
pub use store::{Database, Options, Store};
pub use tx::Tx;
pub use value::{Bind, Kind, Value};
