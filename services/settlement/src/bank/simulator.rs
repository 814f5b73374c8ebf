//! A bank to try things with. It behaves by the token: `bank_ok` pays, `bank_fails` lets the payout fail after it has taken
//! it, `bank_returns` pays and then sends the money back. It remembers in its own table what it is going to tell, and tells
//! it again until it is taken in, so that it keeps its word after a crash.

use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::Context;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;
use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::{Bank, BankAnswer, BankSilent, BankToken, PayoutOrder, WebhookSecret};
use crate::domain::{PayoutId, Word};
use crate::ingest_bank_event::Intake;
use crate::store::{self, SimulatedEvent};

const PAYS: &str = "bank_ok";
const FAILS: &str = "bank_fails";
const RETURNS: &str = "bank_returns";
/// Events told in one round at most.
const BATCH: i64 = 32;
/// How long it waits at most before it looks again while something is to be told, and after it was not heard.
const LOOK: Duration = Duration::from_millis(250);
/// How long it waits while nothing is: another process may have planned something, and died.
const IDLE_LOOK: Duration = Duration::from_secs(1);

/// The simulated bank.
#[derive(Clone)]
pub(crate) struct Simulator {
    context: Context,
    intake: Intake,
    secret: WebhookSecret,
    pays_after: Duration,
    returns_after: Duration,
    planned: Arc<Notify>,
}

impl Simulator {
    /// A bank that tells what came of an order after `pays_after`, and of a return `returns_after` later. Whoever runs on the
    /// store tells what any of them was asked, each to its own process: so each may sign with a secret of its own.
    pub(crate) fn new(
        context: Context,
        intake: Intake,
        secret: WebhookSecret,
        pays_after: Duration,
        returns_after: Duration,
    ) -> Self {
        Self { context, intake, secret, pays_after, returns_after, planned: Arc::default() }
    }

    /// Tells what it planned, when it is time, until the process is to end.
    pub(crate) async fn run(self) {
        let stop = self.context.stop.clone();
        while !stop.is_cancelled() {
            let planned = self.planned.notified();
            let pause = self.tell_due().await.unwrap_or_else(|failure| {
                tracing::warn!(%failure, "the simulated bank was not heard; it tells again");
                LOOK
            });
            tokio::select! {
                () = stop.cancelled() => {}
                () = planned => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tells what is due. Answers how long to wait for the rest.
    async fn tell_due(&self) -> Result<Duration, Failure> {
        let events: Vec<SimulatedEvent> = self
            .context
            .store
            .read(async |tx: &mut Tx| store::due_events(tx, BATCH).await)
            .await
            .map_err(|error: bojagi_store::Error| Failure::from(error))?;
        for planned in &events {
            let now = self.context.clock.now();
            if planned.due_at > now {
                return Ok(planned.due_at.since(now).min(LOOK));
            }
            self.tell(planned).await?;
        }
        Ok(if events.is_empty() { IDLE_LOOK } else { Duration::ZERO })
    }

    async fn tell(&self, planned: &SimulatedEvent) -> Result<(), Failure> {
        if let Some(body) = planned.event.body() {
            let signature = self.secret.sign(&body);
            self.intake.take_in(&body, &signature).await?;
        }
        let id = planned.event.id;
        self.context
            .store
            .write(async move |tx: &mut Tx| store::told(tx, id).await)
            .await
            .map_err(|error: bojagi_store::Error| Failure::from(error))
    }

    fn plan(&self, token: &BankToken) -> Option<Vec<(Word, &'static str, Moment)>> {
        let answers_at = self.context.clock.now() + self.pays_after;
        match token.reveal() {
            PAYS => Some(vec![(Word::Paid, "", answers_at)]),
            FAILS => Some(vec![(Word::Failed, "ACCOUNT_FROZEN", answers_at)]),
            RETURNS => Some(vec![
                (Word::Paid, "", answers_at),
                (Word::Returned, "ACCOUNT_CLOSED", answers_at + self.returns_after),
            ]),
            _ => None,
        }
    }
}

impl Bank for Simulator {
    fn knows<'a>(&'a self, token: &'a BankToken) -> BoxFuture<'a, Result<bool, BankSilent>> {
        let known = matches!(token.reveal(), PAYS | FAILS | RETURNS);
        Box::pin(std::future::ready(Ok(known)))
    }

    fn pay(&self, order: PayoutOrder) -> BoxFuture<'_, Result<BankAnswer, BankSilent>> {
        Box::pin(async move {
            let Some(planned) = self.plan(&order.token) else {
                return Ok(BankAnswer::Refused { reason: "ACCOUNT_UNKNOWN".into() });
            };
            let payout_id = PayoutId::from(order.payout_id);
            self.context
                .store
                .write(async move |tx: &mut Tx| store::plan_events(tx, payout_id, &planned).await)
                .await
                .map_err(|error: bojagi_store::Error| BankSilent(error.to_string()))?;
            self.planned.notify_one();
            Ok(BankAnswer::Taken)
        })
    }
}
