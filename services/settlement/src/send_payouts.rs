//! Giving payouts to the bank. An attempt is stored before it is made, under the payout's id as the key; one that was
//! interrupted, or got no answer, is made again under the same key.

use std::time::Duration;

use bojagi_chassis::Context;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, Tx};
use futures::future::join_all;

use crate::bank::{Bank, BankAnswer, BankSilent, PayoutOrder};
use crate::config::Config;
use crate::domain::Word;
use crate::ingest_bank_event::hear_answer;
use crate::store::{self, Due};

/// Orders given to the bank at once.
const AT_ONCE: i64 = 16;
/// The pause after the first attempt without an answer; it doubles after each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Gives the bank what is due, and says how many orders that were.
///
/// # Errors
/// What the database says; that the bank is silent is no error, it is asked again.
pub(crate) async fn send_due(context: &Context, bank: &dyn Bank, config: &Config) -> Result<usize, Failure> {
    let now = context.clock.now();
    let due = context
        .store
        .read(async move |tx: &mut Tx| store::due_payouts(tx, now, AT_ONCE).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    let count = due.len();
    for sent in join_all(due.into_iter().map(|due| send(context, bank, config, due, now))).await {
        sent?;
    }
    Ok(count)
}

async fn send(context: &Context, bank: &dyn Bank, config: &Config, due: Due, now: Moment) -> Result<(), Failure> {
    let (payout_id, fee) = (due.id, config.payout_fee_minor_units);
    let order = PayoutOrder { payout_id: due.id.into(), token: due.token.clone(), amount: due.amount };
    let timeout = config.bank_timeout();
    let next_attempt_at = now + timeout + pause_after(due.attempts);
    let claimed = context
        .store
        .write(async move |tx: &mut Tx| store::claim(tx, &due, next_attempt_at).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    if !claimed {
        return Ok(());
    }

    let answered = tokio::time::timeout(timeout, bank.pay(order)).await;
    let (word, reason) = match answered.unwrap_or_else(|_| Err(BankSilent("it takes too long".into()))) {
        Ok(BankAnswer::Taken) => (Word::Taken, String::new()),
        Ok(BankAnswer::Refused { reason }) => (Word::Refused, reason),
        Err(silent) => {
            tracing::warn!(payout = %payout_id, %silent, "a payout is given to the bank again later");
            return Ok(());
        }
    };
    let answered_at = context.clock.now();
    context
        .store
        .write(async move |tx: &mut Tx| hear_answer(tx, payout_id, word, &reason, fee, answered_at).await)
        .await
}

fn pause_after(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts).unwrap_or(u32::MAX).min(16);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_five_minutes() {
        let seconds: Vec<_> = [0, 1, 2, 8, 9, i64::MAX].map(|attempts| pause_after(attempts).as_secs()).into();
        assert_eq!(seconds, [1, 2, 4, 256, 300, 300]);
    }
}
