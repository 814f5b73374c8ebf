#![doc = include_str!("../README.md")]

mod adjust_stock;
mod categories;
mod config;
mod counted;
mod create_item;
mod create_store;
mod delete_item;
mod delete_store;
mod domain;
mod end_hold;
mod events;
mod give_favours;
mod jobs;
mod rank_items;
mod reserve_stock;
mod rpc;
mod service;
mod store;
mod take_back;
mod update_item;
mod update_store;
mod wishlist;
mod withdraw_favours;

use bojagi_kernel::refusal::ReasonRow;
use bojagi_store::{Migration, idempotency};

pub use config::{Config, DEFAULTS};
pub use service::build;

use domain::refusal::{CatalogRefusal, StockRefusal, WishlistRefusal};

/// The name of the context.
pub const NAME: &str = "item";

/// The topic on which it tells.
pub const TOPIC: &str = "bojagi.item.v1";

/// Its tables.
pub const MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    store::schema::CATALOGUE,
    store::schema::STOCK,
    store::schema::CLOSED_SELLERS,
    store::schema::PRICES_IN_STORES,
    store::schema::OVERDUE_HOLDS,
    store::schema::hearts::HEARTS_OF_ITEMS,
    store::schema::hearts::FOLLOWERS_OF_STORES,
    store::schema::hearts::HEARTS,
    store::schema::wishlist::WISHLISTS,
    store::schema::ranking::RANKINGS,
    store::schema::ranking::RECENTLY_SOLD,
    store::schema::ranking::BY_RECENTLY_SOLD,
    store::refund_schema::REFUNDS,
];

/// What it refuses.
pub const REASONS: &[&[ReasonRow]] = &[CatalogRefusal::REASONS, StockRefusal::REASONS, WishlistRefusal::REASONS];
