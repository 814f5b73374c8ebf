#![doc = include_str!("../README.md")]

mod cancel_order;
mod change_cart;
mod check_out_cart;
mod config;
mod confirm_draft;
mod counted;
mod decide_refund;
mod deliver;
mod domain;
mod edit_draft;
mod events;
mod my_page;
mod notices;
mod operate_sagas;
mod orders;
mod participants;
mod place_order;
mod request_refund;
mod rpc;
mod saga;
mod service;
mod show_cart;
mod show_orders;
mod show_refunds;
mod store;
mod trace;
mod wire;

use bojagi_kernel::refusal::ReasonRow;
use bojagi_store::{Migration, idempotency};

pub use config::{Config, DEFAULTS};
pub use service::build;

/// The name of the context, and its workload identity.
pub const NAME: &str = "order";

/// The topic on which order tells its facts.
pub const TOPIC: &str = "bojagi.order.v1";

/// What brings the store of order up to date.
pub const MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    store::MIGRATION,
    store::TRACESTATE,
    store::REFUSALS,
    store::PARCELS_IN_STATE,
    store::DUE_IN_STATE,
    store::UNANSWERED,
    store::carts::MIGRATION,
    store::REFUNDS,
    store::drafts::MIGRATION,
    store::drafts::DRAFT_OF_ORDER,
    store::drafts::ORDERS_OF_DRAFT,
    store::DUE_FOR_REFUNDS,
];

/// Every reason that order gives: its refusals, and the failures that its orders show.
pub const REASONS: &[&[ReasonRow]] =
    &[domain::OrderRefusal::REASONS, domain::OwnFailure::REASONS, domain::PaymentDecline::REASONS];
