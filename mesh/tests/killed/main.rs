//! The real binary, killed by SIGKILL, and an independent reader of its files.
//!
//! `BOJAGI_KILLS=50 cargo test --release -p bojagi --test killed` kills it under load fifty times instead of five.
#![allow(clippy::unwrap_used, reason = "tests")]

mod load;
mod running;
mod steps;
mod tour;
