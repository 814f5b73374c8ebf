//! Closing: everything booked before a cut-off that is in no statement yet goes into one, a statement for each seller and
//! currency. It is done in several units of work; each may be repeated, and what was interrupted or failed is finished by
//! whoever closes next.

use std::collections::VecDeque;

use bojagi_chassis::Context;
use bojagi_kernel::id::AccountId;
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, Tx};

use crate::domain::{CloseId, SettlementRefusal};
use crate::events;
use crate::store::{self, Run};

/// Entries in one unit of work, unless one seller alone has more: a seller's statement is made in one.
const ENTRIES_A_UNIT: i64 = 5_000;
/// Sellers in one unit of work at most.
const SELLERS_A_UNIT: usize = 200;

/// The close of a day: the same for everybody who closes it.
pub(crate) fn daily(cut_off: Moment) -> Run {
    let id = CloseId::derive(&Uuid::nil(), &format!("daily close at {}", cut_off.micros()));
    Run { id, cut_off, daily: true }
}

/// The close that an admin asked for under a key of their own.
///
/// # Errors
/// `CUT_OFF_IN_FUTURE`.
pub(crate) fn asked_for(
    admin: AccountId,
    request_id: &str,
    cut_off: Moment,
    now: Moment,
) -> Result<Run, SettlementRefusal> {
    if cut_off > now {
        return Err(SettlementRefusal::CutOffInFuture { cut_off, now });
    }
    let id = CloseId::derive(admin.as_uuid(), &format!("close asked for by {request_id}"));
    Ok(Run { id, cut_off, daily: false })
}

/// Notes that a close begins. Answers it with its cut-off, which is that of the first attempt.
///
/// # Errors
/// What the database says.
pub(crate) async fn begin(context: &Context, run: Run) -> Result<Run, Failure> {
    let now = context.clock.now();
    let begun = context.store.write(async move |tx: &mut Tx| store::begin_close(tx, run, now).await).await;
    let cut_off = begun.map_err(|error: Error| Failure::from(error))?;
    Ok(Run { cut_off, ..run })
}

/// Makes the statements of a close that has begun. A seller whose statement cannot be made keeps nobody else from theirs.
///
/// # Errors
/// What the database says first; everything that could be made was made, and stays.
pub(crate) async fn close(context: &Context, run: Run) -> Result<(), Failure> {
    let waiting = context
        .store
        .read(async move |tx: &mut Tx| store::unstated(tx, run.cut_off).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;

    let mut units = VecDeque::from(batches(waiting));
    let mut first_failure = None;
    while let Some(sellers) = units.pop_front() {
        let Err(failure) = close_together(context, run, sellers.clone()).await else { continue };
        if context.stop.is_cancelled() {
            return Err(failure);
        }
        if let [(seller_id, currency)] = sellers.as_slice() {
            tracing::error!(seller = %seller_id, currency, %failure, "a statement cannot be made; the close goes on");
            first_failure.get_or_insert(failure);
        } else {
            // Nothing of the unit was made, and one of them may be why: each has a unit of its own, after everybody else.
            units.extend(sellers.into_iter().map(|seller| vec![seller]));
        }
    }
    first_failure.map_or(Ok(()), Err)
}

/// Makes the statements of some sellers, all or none.
async fn close_together(context: &Context, run: Run, sellers: Vec<(AccountId, String)>) -> Result<(), Failure> {
    let (business_date, now) = (context.calendar.day_of(run.cut_off).to_string(), context.clock.now());
    let unit = async move |tx: &mut Tx| {
        let statements = store::close_batch(tx, run, &business_date, &sellers, now).await?;
        for statement in &statements {
            events::statement_closed(tx, statement, now).await?;
        }
        Ok(())
    };
    context.store.write(unit).await
}

/// Closes a day and notes that it is done.
///
/// # Errors
/// What the database says.
pub(crate) async fn close_day(context: Context, cut_off: Moment) -> Result<(), Failure> {
    let run = begin(&context, daily(cut_off)).await?;
    close(&context, run).await?;
    let now = context.clock.now();
    let (statements, entries): (i64, i64) = context
        .store
        .write(async move |tx: &mut Tx| {
            store::end_close(tx, run.id, now).await?;
            store::closed(tx, run.id).await
        })
        .await
        .map_err(|error: Error| Failure::from(error))?;
    tracing::info!(%cut_off, statements, entries, "the day is closed");
    Ok(())
}

/// Packs sellers into units of work of about the same length.
fn batches(waiting: Vec<(AccountId, String, i64)>) -> Vec<Vec<(AccountId, String)>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut entries = 0_i64;
    for (seller_id, currency, count) in waiting {
        if !batch.is_empty() && (entries.saturating_add(count) > ENTRIES_A_UNIT || batch.len() >= SELLERS_A_UNIT) {
            batches.push(std::mem::take(&mut batch));
            entries = 0;
        }
        entries = entries.saturating_add(count);
        batch.push((seller_id, currency));
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_work_are_bounded() {
        let seller = |entries| (AccountId::generate(), "KRW".to_owned(), entries);
        let sizes = |waiting| batches(waiting).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![]), Vec::<usize>::new());
        assert_eq!(sizes(vec![seller(3_000), seller(2_000), seller(1)]), [2, 1]);
        assert_eq!(sizes(vec![seller(1), seller(1_000_000), seller(1)]), [1, 1, 1]);
        assert_eq!(sizes((0..401).map(|_| seller(1)).collect()), [200, 200, 1]);
    }

    #[test]
    fn a_day_has_one_close() {
        let at = Moment::from_micros;
        assert_eq!(daily(at(1)).id, daily(at(1)).id);
        assert_ne!(daily(at(1)).id, daily(at(2)).id);
        let admin = AccountId::generate();
        assert!(asked_for(admin, "a", at(2), at(1)).is_err());
        assert_ne!(asked_for(admin, "a", at(1), at(1)).unwrap().id, asked_for(admin, "b", at(1), at(1)).unwrap().id);
    }
}
