#![doc = include_str!("../README.md")]

mod client;
mod pem;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use client::{Client, ClientFiles};
pub use pem::{PemPair, certificates, private_key};

/// The one cryptography of this project.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
