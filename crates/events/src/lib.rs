#![doc = include_str!("../README.md")]

mod consumer;
mod event;
mod hears;
mod inbox;
mod log;
mod outbox;
mod schema;
mod set_aside;

pub use consumer::{Consumer, position};
pub use event::Event;
pub use hears::Hears;
pub use log::EmbeddedLog;
pub use outbox::{prune, tell};
pub use schema::MIGRATION;
pub use set_aside::{MAX_ATTEMPTS, SetAside, SetAsideState, list, replay};
