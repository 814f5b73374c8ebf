#![doc = include_str!("../README.md")]

mod bank;
mod book;
mod close_statements;
mod commission_rates;
mod config;
mod counted;
mod domain;
mod events;
mod ingest_bank_event;
mod jobs;
mod prove_conservation;
mod request_settlement;
mod rpc;
mod send_payouts;
mod service;
mod store;

use bojagi_kernel::refusal::ReasonRow;
use bojagi_store::{Migration, idempotency};

pub use bank::{Bank, BankAnswer, BankSilent, BankToken, PayoutOrder};
pub use config::{Config, DEFAULTS};
pub use jobs::overdue_close;
pub use service::{build, build_with_bank};

/// The name of the context.
pub const NAME: &str = "settlement";

/// The topic of its facts.
pub const TOPIC: &str = "bojagi.settlement.v1";

/// The schema of its store.
pub const MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    store::SCHEMA,
    store::DEFAULT_RATES,
    store::NEWEST_POSTINGS,
];

/// Everything that it refuses.
pub const REASONS: &[&[ReasonRow]] = &[domain::SettlementRefusal::REASONS];
