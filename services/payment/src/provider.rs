//! The port to the payment provider: what is asked of it, what it may answer, and how its answers are waited for.
//!
//! Every ask carries a key; a provider does what a key stands for at most once, and answers a repeated key as it answered
//! the first. That, and the attempt stored before the ask, is all that this context relies on.

mod events;
pub(crate) mod http;
pub(crate) mod protocol;
mod secret;

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::{Failure, Money};
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub use self::events::{ProviderEvent, SignedEvent};
pub use self::http::HttpProvider;
pub use self::secret::Secret;
pub use crate::domain::{
    ChargeId, DeclineReason, MethodSummary, MethodType, Outcome, ProviderKey, ProviderToken, RefundId,
};

/// One thing to do, named by its key.
#[derive(Debug, Clone)]
pub struct Instruction {
    /// What to do, and the name of doing it.
    pub key: ProviderKey,
    /// The authorisation or charge that it is about; for those two it is `key` itself.
    pub payment: ProviderKey,
    /// The method that pays.
    pub token: ProviderToken,
    /// How much.
    pub amount: Money,
}

/// What the provider knows about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Knowledge {
    /// It was asked to do this, and this came of it.
    Known(Outcome),
    /// It was never asked.
    NeverAsked,
    /// It does not answer.
    Unreachable,
}

/// A payment provider.
pub trait Provider: Send + Sync + 'static {
    /// Does what the instruction says, at most once a key.
    fn perform<'a>(&'a self, instruction: &'a Instruction) -> BoxFuture<'a, Outcome>;

    /// What came of a key, without doing anything.
    fn look_up<'a>(&'a self, key: &'a ProviderKey) -> BoxFuture<'a, Knowledge>;

    /// Whether a method can be paid with at all.
    ///
    /// # Errors
    /// Unavailable when the provider does not answer.
    fn knows<'a>(&'a self, token: &'a ProviderToken) -> BoxFuture<'a, Result<bool, Failure>>;
}

/// A provider, and how it tells what happened there.
pub struct Connection {
    /// Whom to ask.
    pub provider: Arc<dyn Provider>,
    /// What it signs its events with.
    pub webhook_secret: Secret,
    /// Its events, when it lives in this process.
    pub events: Option<mpsc::Receiver<SignedEvent>>,
    /// Where it posts its events to, when it does. They also come in by `IngestProviderEvent`.
    pub webhook_listener: Option<TcpListener>,
}

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Ask at once: nobody else can have asked, or asking again is what the caller wants.
    Perform,
    /// First find out whether it was done; for attempts of which nobody knows how far they came.
    LookUpFirst,
}

/// Asks a provider and waits for so long and no longer.
pub(crate) struct Asking {
    pub(crate) provider: Arc<dyn Provider>,
    /// How long one answer may take.
    pub(crate) patience: Duration,
}

/// How often an instruction is given before its outcome counts as unknown: a lost answer is found by asking again.
const ASKS: u32 = 2;
/// Answers that one ask waits for at most: it may look up first.
pub(crate) const ANSWERS_PER_ASK: u32 = 1 + ASKS;

impl Asking {
    pub(crate) async fn ask(&self, instruction: &Instruction, manner: Manner) -> Outcome {
        if manner == Manner::LookUpFirst {
            match self.look_up(&instruction.key).await {
                Knowledge::Known(outcome) => return outcome,
                Knowledge::Unreachable => return Outcome::Unknown,
                Knowledge::NeverAsked => {}
            }
        }
        for _ in 0..ASKS {
            let answer = tokio::time::timeout(self.patience, self.provider.perform(instruction)).await;
            match answer {
                Ok(Outcome::Unknown) | Err(_) => {}
                Ok(definite) => return definite,
            }
        }
        tracing::warn!(key = %instruction.key, "the payment provider gave no answer");
        Outcome::Unknown
    }

    async fn look_up(&self, key: &ProviderKey) -> Knowledge {
        tokio::time::timeout(self.patience, self.provider.look_up(key)).await.unwrap_or(Knowledge::Unreachable)
    }
}
