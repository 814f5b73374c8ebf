//! SQL: the only place that knows the database.

pub(crate) mod accounts;
pub(crate) mod addresses;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod mails;
pub(crate) mod revocations;
mod schema;
pub(crate) mod sessions;

pub(crate) use schema::{LIVE_SESSIONS, MIGRATION, PLAIN_LINKS};

use crate::domain::account::{AccountKind, AccountState};
use crate::domain::address::AddressId;

bojagi_store::stored_ids!(AddressId);

bojagi_store::stored_enum!(AccountKind { Customer => "CUSTOMER", Seller => "SELLER" });

bojagi_store::stored_enum!(AccountState {
    Unverified => "UNVERIFIED",
    Active => "ACTIVE",
    Dormant => "DORMANT",
    Suspended => "SUSPENDED",
    Closed => "CLOSED",
});
