//! The user context through its public API.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod addresses;
mod admins;
mod dormancy;
mod instances;
mod keys;
mod limits;
mod mail;
mod passwords;
mod revocations;
mod sessions;
mod shop;
mod tokens;
