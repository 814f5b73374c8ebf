//! What the events crate promises, over everything that can carry facts.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod cluster;
mod contract;
mod embedded;
mod facts;
mod stage;
mod ways;
