#![doc = include_str!("../README.md")]

pub mod answer;
pub mod caller;
pub mod channel;
mod common;
pub mod deadline;
pub mod fields;
pub mod guard;
pub mod once;
pub mod operations;
pub mod pages;
mod peer;
mod served;
pub mod service;
pub mod settings;
pub mod tasks;
pub mod tokens;
pub mod wire;

pub use caller::{Account, Caller};
pub use channel::{Channel, Switchboard};
pub use common::CommonRefusal;
pub use fields::Fields;
pub use pages::{Page, Pager};
pub use peer::Peer;
pub use service::{Context, Service};
