//! Settlement through its public API, with payment as a fake publisher.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod bank;
mod booking;
mod closing;
mod conservation;
mod house_rules;
mod instances;
mod property;
mod settling;
mod support;
