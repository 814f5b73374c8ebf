//! The hash by which a customer, an order and this context mean the same quote.

use sha2::{Digest, Sha256};

use crate::domain::{Basket, Canonical, Quote};

/// The SHA-256 of the quote's canonical text, in hexadecimal.
pub(crate) fn quote_hash(basket: &Basket, quote: &Quote) -> String {
    format!("{:x}", Sha256::digest(Canonical(basket, quote).to_string()))
}
