//! The only place that knows the database: the schema, the statements, and how rows become what the rules speak of.

mod columns;
pub(crate) mod coupons;
pub(crate) mod pieces;
pub(crate) mod prices;
pub(crate) mod redemptions;
mod schema;

pub(crate) use schema::MIGRATION;
