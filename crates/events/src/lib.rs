#![doc = include_str!("../README.md")]

mod consumer;
mod event;
mod hears;
mod inbox;
pub mod kafka;
mod log;
mod outbox;
mod schema;
mod set_aside;
mod spans;
mod transport;
mod watch;

pub use consumer::{Consumer, position};
pub use event::Event;
pub use hears::{Hears, nothing_more};
pub use kafka::{Kafka, RELAY};
pub use log::EmbeddedLog;
pub use outbox::{Told, prune, tell, tell_all};
pub use schema::{MIGRATION, RELAY_MIGRATION, TRACESTATE_MIGRATION};
pub use set_aside::{MAX_ATTEMPTS, SetAside, SetAsideState, list, replay, too_early};
pub use transport::{EmbeddedLogs, Outbox, Transport};
