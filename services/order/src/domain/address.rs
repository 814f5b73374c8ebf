//! Where the goods go.

use std::fmt;

/// A delivery address. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Address {
    pub(crate) recipient: String,
    pub(crate) phone: String,
    pub(crate) postal_code: String,
    pub(crate) line1: String,
    pub(crate) line2: String,
}

impl Address {
    /// What is left of an address once its owner's account is closed.
    pub(crate) fn anonymous() -> Self {
        Self::default()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(redacted)")
    }
}
