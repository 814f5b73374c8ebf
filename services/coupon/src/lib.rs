#![doc = include_str!("../README.md")]

mod browse_coupons;
mod config;
mod domain;
mod end_redemption;
mod events;
mod expire_coupons;
mod follow_prices;
mod issue_coupon;
mod jobs;
mod manage_coupons;
mod quote_discounts;
mod quote_hash;
mod reserve_redemptions;
mod rpc;
mod service;
mod store;

use bojagi_kernel::refusal::ReasonRow;
use bojagi_store::{Migration, idempotency};

pub use config::{Config, DEFAULTS};
pub use service::build;

/// The name of the context.
pub const NAME: &str = "coupon";
/// The topic that it tells.
pub const TOPIC: &str = "bojagi.coupon.v1";
/// The schema of its store.
pub const MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    store::MIGRATION,
];
/// Every reason that it gives for a refusal.
pub const REASONS: &[&[ReasonRow]] = &[domain::CouponRefusal::REASONS, domain::PieceRefusal::REASONS];
