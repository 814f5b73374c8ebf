//! The order context through its public API, over fakes of the contexts that it asks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod branches;
mod cancel;
mod cart;
mod check_out;
mod crash;
mod cuts;
mod deliveries;
mod drafts;
mod facts;
mod house;
mod input;
mod instances;
mod lists;
mod my_page;
mod operator;
mod peers;
mod place;
mod refunding;
mod refunds;
mod refusals;
mod rolling_out;
mod unresolved;
