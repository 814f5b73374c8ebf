//! PostgreSQL: a few connections that write, a few that read, one that listens.
//!
//! What SQLite gives by itself, one unit after the other, is given here by advisory locks that each writing transaction takes
//! first, and that are let go only when the commit can be seen: of the whole store, or, shared, of the store, and of the keys
//! that its units are about. So a unit may read what it has locked and then write, and no two wait for each other in a circle.
//! Facts are given their positions under a lock of the log, which is taken last. All of it holds for any number of processes
//! on the same store.

mod ahead;
mod commit;
mod config;
mod connection;
mod copy;
mod errors;
mod listener;
mod readers;
mod scratch;
mod session;
mod statements;
mod transaction;
mod unit;
mod wire;
mod writer;

pub use config::{PostgresOptions, UrlError};
pub use copy::copy_to_file;
pub use scratch::{drop_schema, end_connections};

pub(crate) use connection::prepare_schema;
pub(crate) use readers::Readers;
pub(crate) use session::Session;
pub(crate) use wire::Cell;
pub(crate) use writer::Writer;

use crate::Error;

/// The runtime of one thread: units need not be able to change threads.
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Database(format!("a thread for the database did not start: {error}")))
}
