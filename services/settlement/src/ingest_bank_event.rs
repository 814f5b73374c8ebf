//! What the bank says about a payout, in its answer or by an event, in any order and any number of times.

use bojagi_chassis::Context;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::bank::{BankEvent, WebhookSecret};
use crate::domain::{self, Cause, Heard, Payout, PayoutId, SettlementRefusal, Step, Word};
use crate::{events, store};

/// Takes in what a bank tells that signs with a secret.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) context: Context,
    pub(crate) secret: WebhookSecret,
    /// What the bank charges for a payout that it takes.
    pub(crate) fee: i64,
}

impl Intake {
    /// Takes over what a signed body says.
    ///
    /// # Errors
    /// `BANK_SIGNATURE_INVALID`, `BANK_EVENT_MALFORMED`, `PAYOUT_NOT_FOUND`.
    pub(crate) async fn take_in(&self, body: &[u8], signature: &str) -> Result<(), Failure> {
        if !self.secret.holds(body, signature) {
            return Err(SettlementRefusal::BankSignatureInvalid.into());
        }
        let event = BankEvent::parse(body)?;
        let (now, fee) = (self.context.clock.now(), self.fee);
        self.context.store.write(async move |tx: &mut Tx| ingest(tx, &event, fee, now).await).await
    }
}

/// Takes in an event whose signature was checked; `fee` is what the bank charges for a payout that it takes.
///
/// # Errors
/// `PAYOUT_NOT_FOUND`.
async fn ingest(tx: &mut Tx, event: &BankEvent, fee: i64, now: Moment) -> Result<(), Failure> {
    let payout = find(tx, event.payout_id).await?;
    let heard = payout.state.hear(event.word);
    let outcome = match heard {
        Heard::News(_) => "APPLIED",
        Heard::Known => "KNOWN",
        Heard::Contradiction => "CONTRADICTION",
    };
    if !store::note_bank_event(tx, event, outcome, now).await? {
        return Ok(());
    }
    match heard {
        // The bank's clock is not ours: nothing happens to a payout before it was made, nor later than now.
        Heard::News(steps) => {
            let at = event.occurred_at.clamp(payout.created_at, now.max(payout.created_at));
            advance(tx, payout, steps, &event.reason, fee, at, now).await
        }
        Heard::Known => Ok(()),
        Heard::Contradiction => {
            tracing::error!(payout = %payout.id, stands = ?payout.state, word = ?event.word, event = %event.id,
                "the bank contradicts what it said about a payout; ask the bank");
            Ok(())
        }
    }
}

/// Takes in what the bank answered when it was asked to pay.
///
/// # Errors
/// `PAYOUT_NOT_FOUND`.
pub(crate) async fn hear_answer(
    tx: &mut Tx,
    payout_id: PayoutId,
    word: Word,
    reason: &str,
    fee: i64,
    now: Moment,
) -> Result<(), Failure> {
    let payout = find(tx, payout_id).await?;
    match payout.state.hear(word) {
        Heard::News(steps) => advance(tx, payout, steps, reason, fee, now, now).await,
        Heard::Known => Ok(()),
        Heard::Contradiction => {
            tracing::error!(payout = %payout.id, stands = ?payout.state, ?word, "the bank contradicts its own events");
            Ok(())
        }
    }
}

async fn find(tx: &mut Tx, payout_id: PayoutId) -> Result<Payout, Failure> {
    let found = store::find_payout(tx, payout_id).await?;
    found.ok_or_else(|| SettlementRefusal::PayoutNotFound { payout_id }.into())
}

async fn advance(
    tx: &mut Tx,
    mut payout: Payout,
    steps: &[Step],
    reason: &str,
    fee: i64,
    at: Moment,
    now: Moment,
) -> Result<(), Failure> {
    let trace_id = tx.trace().map(|trace| trace.trace_id()).unwrap_or_default();
    for step in steps {
        let reason = match step {
            Step::Fail | Step::Return => reason,
            Step::Take | Step::Pay => "",
        };
        if !store::move_to(tx, &payout, *step, reason, at).await? {
            return Err(Failure::broken(format!("payout {} moved at the same time", payout.id)));
        }
        payout.state = step.state();
        let cause = Cause { source_id: payout.id.into(), order_id: None, booked_at: at };
        let transaction = domain::move_payout(&payout, *step, fee, cause)?;
        if !transaction.postings().is_empty() {
            store::book(tx, &[transaction], &trace_id).await?;
        }
        events::payout_moved(tx, &payout, *step, reason, at, now).await?;
    }
    Ok(())
}
