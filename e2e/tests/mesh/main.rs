//! The mesh through its public API, and the rules of the house.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod anything;
mod carts;
mod everybody;
mod forged;
mod forgetting;
mod hearts;
mod house;
mod money;
mod my_page;
mod races;
mod rankings;
mod refunds;
mod seeded_defects;
mod sellers;
mod strangers;
mod undoing;
