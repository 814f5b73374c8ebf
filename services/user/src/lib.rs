#![doc = include_str!("../README.md")]

mod address_book;
mod administer;
mod config;
mod domain;
mod end_sessions;
mod events;
mod hashing;
mod jobs;
mod limits;
mod mail;
mod passwords;
mod profile;
mod rpc;
mod secret;
mod service;
mod shared;
mod sign_in;
mod sign_up;
mod signing;
mod store;
mod watch_revocations;

pub use administer::{Granted, grant_admin};
pub use config::{Config, DEFAULTS, Encryption, Hashing, Limits, Rate, Smtp};
pub use mail::mailbox;
pub use service::build;

use bojagi_kernel::refusal::ReasonRow;
use bojagi_store::{Migration, idempotency};

/// The name of the context.
pub const NAME: &str = "user";

/// The topic that it tells.
pub const TOPIC: &str = "bojagi.user.v1";

/// What its store is made of.
pub const MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    store::MIGRATION,
    store::LIVE_SESSIONS,
    store::PLAIN_LINKS,
];

/// Why it refuses.
pub const REASONS: &[&[ReasonRow]] = &[domain::refusal::UserRefusal::REASONS];
