//! Places that orders can be delivered to.

use bojagi_kernel::{Moment, typed_id};

/// Characters of each text at most, as the contract says.
pub(crate) const LONGEST_LABEL: usize = 50;
pub(crate) const LONGEST_RECIPIENT: usize = 100;
pub(crate) const LONGEST_POSTAL_CODE: usize = 20;
pub(crate) const LONGEST_LINE: usize = 200;

typed_id! {
    /// One address of an account.
    AddressId
}

/// What the owner says about an address.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AddressText {
    /// May be empty.
    pub(crate) label: String,
    pub(crate) recipient_name: String,
    /// May be empty.
    pub(crate) phone: String,
    pub(crate) postal_code: String,
    pub(crate) line1: String,
    /// May be empty.
    pub(crate) line2: String,
}

/// The parts of an address that change; the others stay as they are.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct AddressChange {
    pub(crate) label: Option<String>,
    pub(crate) recipient_name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) line1: Option<String>,
    pub(crate) line2: Option<String>,
}

/// An address in the address book of an account.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) address_id: AddressId,
    pub(crate) text: AddressText,
    /// True for exactly one address of an account that has any.
    pub(crate) is_default: bool,
    pub(crate) created_at: Moment,
}
