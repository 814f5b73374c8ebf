//! Settlement through its public API, with payment as a fake publisher.

mod access;
mod bank;
mod booking;
mod closing;
mod conservation;
mod house_rules;
mod property;
mod settling;
mod support;
