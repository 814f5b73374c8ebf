#![doc = include_str!("../README.md")]

mod authorize;
mod capture;
mod charge_points;
mod config;
mod desk;
mod domain;
mod events;
mod flights;
mod ingest_provider_event;
mod jobs;
mod payment_methods;
pub mod provider;
mod refund;
mod rpc;
mod service;
mod settle;
mod show;
pub mod simulator;
mod store;
mod sync_payment;
mod void;
mod webhook_listener;

use bojagi_kernel::refusal::ReasonRow;
use bojagi_store::Migration;

pub use config::{Config, DEFAULTS, ProviderKind};
pub use service::{build, build_with};

/// The name of the context.
pub const NAME: &str = "payment";
/// The topic that it tells its facts on.
pub const TOPIC: &str = "bojagi.payment.v1";
/// Its schema.
pub const MIGRATIONS: &[Migration] = &[
    bojagi_store::idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    store::schema::MIGRATION,
    store::schema::OPEN_AND_TOTALS,
    store::schema::CLOSED_ACCOUNTS,
];
/// Every reason that it refuses with.
pub const REASONS: &[&[ReasonRow]] = &[domain::PaymentRefusal::REASONS];
