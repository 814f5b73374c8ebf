//! The gRPC services: what is asked becomes words of the domain, and what comes of it an answer. No rules here.

mod accounts;
mod addresses;
mod read;
mod sessions;
mod wire;

pub(crate) use accounts::AccountRpc;
pub(crate) use addresses::AddressRpc;
pub(crate) use sessions::SessionRpc;
