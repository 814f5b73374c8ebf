//! The item context through its generated clients, with the guard in front and real tokens.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod bad_input;
mod catalogue;
mod ends;
mod favours;
mod hearts;
mod instances;
mod limits;
mod operations;
mod options;
mod options_by_id;
mod ownership;
mod rankings;
mod replays;
mod reserving;
mod restocking;
mod rolling_out;
mod rush;
mod search;
mod shop;
mod stores;
mod windows;
mod wishlists;
