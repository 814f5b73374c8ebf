//! The rules of accounts, passwords, addresses and keys: no clock, no database, no wire.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod allowance;
pub(crate) mod email;
pub(crate) mod key_schedule;
pub(crate) mod password;
pub(crate) mod phone;
pub(crate) mod refusal;
