//! The rules of money: what a payment, a refund and a charge of points may become, and what is refused.
//!
//! Amounts are whole minor units of the payment's one currency.

mod charge;
mod method;
mod payment;
mod provider_key;
mod refund;
mod refusals;
mod wallet;

pub(crate) use charge::{Charge, ChargeState};
pub use method::{MethodSummary, MethodType, ProviderToken};
pub(crate) use method::{PaidWith, PaymentMethod, looks_like_card_number};
pub(crate) use payment::{Payment, PaymentState, Terms, Turn, UnderWay, Voiding};
pub use provider_key::{ChargeId, DeclineReason, Outcome, ProviderKey, RefundId};
pub(crate) use refund::{Allocations, Legs, Refund, RefundState};
pub(crate) use refusals::PaymentRefusal;
pub(crate) use wallet::{Balance, WalletEntry, WalletEntryId, WalletEntryKind};

/// The largest amount that is taken in one ask, in minor units: sums and products of such amounts stay far inside 64 bits.
pub(crate) const MAX_AMOUNT: i64 = 1_000_000_000_000;
/// What a wallet owns at most, in points.
pub(crate) const WALLET_LIMIT: i64 = 1_000_000_000_000_000;
/// Payment methods that an account has at most.
pub(crate) const MAX_METHODS: i64 = 20;
