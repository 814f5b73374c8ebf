//! What the bank told, and the memory of the simulated one.

use bojagi_kernel::Moment;
use bojagi_store::{Error, FromRow, Row, Tx, params};

use crate::bank::BankEvent;
use crate::domain::{BankEventId, PayoutId, Word};

/// Keeps an event of the bank with what it meant. Says whether it is new.
///
/// # Errors
/// What the database says.
pub(crate) async fn note_bank_event(tx: &mut Tx, event: &BankEvent, outcome: &str, now: Moment) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO bank_event (id, payout_id, word, reason, occurred_at, received_at, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
            params![event.id, event.payout_id, event.word, event.reason, event.occurred_at, now, outcome],
        )
        .await?;
    Ok(inserted == 1)
}

/// What the simulated bank is going to tell.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedEvent {
    /// What it will say.
    pub(crate) event: BankEvent,
    /// When it tells it: also when it happens.
    pub(crate) due_at: Moment,
}

impl FromRow for SimulatedEvent {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let due_at = row.get(4)?;
        Ok(Self {
            event: BankEvent {
                id: row.get(0)?,
                payout_id: row.get(1)?,
                word: row.get(2)?,
                reason: row.get(3)?,
                occurred_at: due_at,
            },
            due_at,
        })
    }
}

/// Remembers what is to be told. What is planned for a payout stays as it is.
///
/// # Errors
/// What the database says.
pub(crate) async fn plan_events(
    tx: &mut Tx,
    payout_id: PayoutId,
    planned: &[(Word, &'static str, Moment)],
) -> Result<(), Error> {
    use bojagi_store::{Bind, Value};
    let rows: Vec<_> = planned
        .iter()
        .map(|(word, reason, due_at)| {
            let id = BankEventId::generate();
            vec![
                Value::Uuid(id.into()),
                payout_id.bind(),
                word.bind(),
                reason.bind(),
                due_at.bind(),
                Value::Flag(false),
            ]
        })
        .collect();
    tx.send_many(
        "INSERT INTO simulated_bank_event (id, payout_id, word, reason, due_at, told)
         VALUES {(?1, ?2, ?3, ?4, ?5, ?6)} ON CONFLICT (payout_id, word) DO NOTHING",
        &rows,
    )
    .await
}

/// What is to be told next, the earliest first, whether or not it is time.
///
/// # Errors
/// What the database says.
pub(crate) async fn due_events(tx: &mut Tx, limit: i64) -> Result<Vec<SimulatedEvent>, Error> {
    tx.fetch_all(
        "SELECT id, payout_id, word, reason, due_at FROM simulated_bank_event WHERE told = FALSE ORDER BY due_at LIMIT ?1",
        params![limit],
    )
    .await
}

/// Remembers that an event was taken in.
///
/// # Errors
/// What the database says.
pub(crate) async fn told(tx: &mut Tx, id: BankEventId) -> Result<(), Error> {
    tx.send("UPDATE simulated_bank_event SET told = TRUE WHERE id = ?1", params![id]).await
}
