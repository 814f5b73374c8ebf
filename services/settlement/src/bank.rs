//! The bank, behind a port: what settlement asks of it, and what it tells.

mod event;
mod signature;
mod simulator;

use std::fmt;

use bojagi_kernel::Money;
use bojagi_kernel::reexport::Uuid;
use futures::future::BoxFuture;

pub(crate) use event::BankEvent;
pub(crate) use signature::WebhookSecret;
pub(crate) use simulator::Simulator;

/// What the bank gave a seller to stand for an account. Whoever has it can be paid as the seller: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct BankToken(String);

impl BankToken {
    /// A token as the seller brought it.
    #[must_use]
    pub const fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself, for the bank alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BankToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BankToken(…)")
    }
}

/// What the bank is asked to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutOrder {
    /// The key of the order: asked again under the same id, the bank pays no second time.
    pub payout_id: Uuid,
    /// To which account.
    pub token: BankToken,
    /// How much; above 0.
    pub amount: Money,
}

/// What the bank says to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BankAnswer {
    /// It has taken the order, now or before; it tells later what came of it.
    Taken,
    /// It will never pay it.
    Refused {
        /// Why, a word in capital letters.
        reason: String,
    },
}

/// The bank did not answer, or not in a way that says whether it took the order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bank does not answer: {0}")]
pub struct BankSilent(pub String);

/// A bank that pays sellers. What comes of an order it tells by signed calls of `IngestBankEvent`.
pub trait Bank: Send + Sync + 'static {
    /// Whether a token stands for an account.
    fn knows<'a>(&'a self, token: &'a BankToken) -> BoxFuture<'a, Result<bool, BankSilent>>;

    /// Gives the bank an order. Safe to repeat.
    fn pay(&self, order: PayoutOrder) -> BoxFuture<'_, Result<BankAnswer, BankSilent>>;
}
