//! A payment provider for development, demonstrations and tests. It behaves by the payment method's token:
//!
//! | token | what it shows |
//! |---|---|
//! | `tok_approve` | yes to everything |
//! | `tok_decline_insufficient_funds`, `tok_decline_lost_card` | no to the authorisation, with the reason |
//! | `tok_slow` | yes after some seconds |
//! | `tok_timeout_after_success` | the money moves, the answer is lost; asking again finds it |
//! | `tok_duplicate_webhooks` | yes, and every event is told several times and out of order |
//! | `tok_refund_fails` | yes, but no to every refund |
//! | `tok_unresolved` | no answer to a capture or charge until it is looked up, or tells it |
//!
//! It does what a key stands for once and keeps what came of it in memory, the last few ten thousand keys. What it does not
//! remember of a payment, because the process was started anew or another one was asked, it does not judge: a shop with a
//! simulated provider still finishes what it began before a restart, and gives back in one process what was taken in another.

mod book;
mod delivery;
pub(crate) mod http;

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::Failure;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::mpsc;

pub use self::book::Statement;
use self::book::{Book, Recorded};
pub use self::delivery::deliver;
pub use self::http::serve;
use crate::provider::{
    Instruction, Knowledge, Outcome, Provider, ProviderEvent, ProviderKey, ProviderToken, Secret, SignedEvent,
};

/// How long a lost answer is lost: longer than anybody waits.
const LOST_FOR: Duration = Duration::from_secs(120);
/// Events that may wait to be taken; what comes on top is lost, as webhooks may be.
const EVENTS_WAITING: usize = 4096;

/// How the simulator behaves.
#[derive(Debug, Clone)]
pub struct SimulatorOptions {
    /// How long `tok_slow` takes.
    pub slow: Duration,
    /// What events are signed with.
    pub webhook_secret: Secret,
}

/// The simulated provider.
pub struct Simulator {
    book: Mutex<Book>,
    options: SimulatorOptions,
    events: mpsc::Sender<SignedEvent>,
}

/// What a token makes the simulator do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Approve,
    DeclineInsufficientFunds,
    DeclineLostCard,
    Slow,
    TimeoutAfterSuccess,
    DuplicateWebhooks,
    RefundFails,
    Unresolved,
}

impl Behaviour {
    pub(crate) fn of(token: &ProviderToken) -> Option<Self> {
        Some(match token.expose() {
            "tok_approve" => Self::Approve,
            "tok_decline_insufficient_funds" => Self::DeclineInsufficientFunds,
            "tok_decline_lost_card" => Self::DeclineLostCard,
            "tok_slow" => Self::Slow,
            "tok_timeout_after_success" => Self::TimeoutAfterSuccess,
            "tok_duplicate_webhooks" => Self::DuplicateWebhooks,
            "tok_refund_fails" => Self::RefundFails,
            "tok_unresolved" => Self::Unresolved,
            _ => return None,
        })
    }
}

impl Simulator {
    /// A simulator that remembers nothing yet, and the events that it tells.
    #[must_use]
    pub fn new(options: SimulatorOptions) -> (Arc<Self>, mpsc::Receiver<SignedEvent>) {
        let (events, told) = mpsc::channel(EVENTS_WAITING);
        (Arc::new(Self { book: Mutex::default(), options, events }), told)
    }

    /// What it remembers of an authorisation or charge.
    #[must_use]
    pub fn statement(&self, payment: &ProviderKey) -> Option<Statement> {
        self.book.lock().statement(payment)
    }

    /// How often it was asked to do what `key` stands for.
    #[must_use]
    pub fn asked(&self, key: &ProviderKey) -> u32 {
        self.book.lock().recall(key).map_or(0, |recorded| recorded.asked)
    }

    /// Tells what came of `key`, as a webhook. False when it was never asked.
    pub fn tell(&self, key: &ProviderKey) -> bool {
        let outcome = self.book.lock().recall(key).map(|recorded| recorded.outcome.clone());
        outcome.is_some_and(|outcome| self.emit(&ProviderEvent { key: *key, outcome }))
    }

    fn emit(&self, event: &ProviderEvent) -> bool {
        let signed = event.signed(&self.options.webhook_secret);
        signed.is_some_and(|signed| self.events.try_send(signed).is_ok())
    }

    /// Tells the present event, then the earlier ones of the payment backwards, then the present one again.
    fn emit_repeatedly(&self, instruction: &Instruction) {
        let history = self.book.lock().history(&instruction.payment);
        let present = history.last().cloned();
        for event in present.iter().chain(history.iter().rev()).chain(present.iter()) {
            self.emit(event);
        }
    }

    async fn respond(&self, instruction: &Instruction) -> Outcome {
        let recorded: Recorded = self.book.lock().perform(instruction);
        let first = recorded.asked == 1;
        match Behaviour::of(&instruction.token) {
            Some(Behaviour::Slow) if first => tokio::time::sleep(self.options.slow).await,
            Some(Behaviour::DuplicateWebhooks) if first => self.emit_repeatedly(instruction),
            Some(Behaviour::TimeoutAfterSuccess) if first && moves_money(&instruction.key) => {
                tokio::time::sleep(LOST_FOR).await;
            }
            _ => {}
        }
        if recorded.silent { Outcome::Unknown } else { recorded.outcome }
    }
}

const fn moves_money(key: &ProviderKey) -> bool {
    !matches!(key, ProviderKey::Authorize(_) | ProviderKey::Void(_))
}

impl Provider for Simulator {
    fn perform<'a>(&'a self, instruction: &'a Instruction) -> BoxFuture<'a, Outcome> {
        Box::pin(self.respond(instruction))
    }

    fn look_up<'a>(&'a self, key: &'a ProviderKey) -> BoxFuture<'a, Knowledge> {
        let known = self.book.lock().look_up(key);
        Box::pin(std::future::ready(known.map_or(Knowledge::NeverAsked, Knowledge::Known)))
    }

    fn knows<'a>(&'a self, token: &'a ProviderToken) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(std::future::ready(Ok(Behaviour::of(token).is_some())))
    }
}
