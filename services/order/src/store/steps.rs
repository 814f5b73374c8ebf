//! Attempts and errors of steps that did not go well at once.

use bojagi_kernel::Moment;
use bojagi_kernel::id::OrderId;
use bojagi_store::{Error, Tx, from_row, params};

use crate::domain::{Step, StepKind, StepState};

/// What one attempt at a step came to.
#[derive(Debug, Clone)]
pub(crate) struct StepReport {
    pub(crate) kind: StepKind,
    pub(crate) state: StepState,
    /// Empty when it went well.
    pub(crate) error: String,
    pub(crate) started_at: Moment,
}

/// Records attempts.
pub(crate) async fn report(tx: &mut Tx, order_id: OrderId, reports: &[StepReport], now: Moment) -> Result<(), Error> {
    for report in reports {
        let finished_at = (report.state != StepState::Open).then_some(now);
        tx.send(
            "INSERT INTO saga_step (order_id, kind, state, attempts, last_error, started_at, finished_at)
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)
             ON CONFLICT (order_id, kind) DO UPDATE SET state = excluded.state, attempts = saga_step.attempts + 1,
                last_error = CASE excluded.last_error WHEN '' THEN saga_step.last_error ELSE excluded.last_error END,
                finished_at = excluded.finished_at",
            params![order_id, report.kind, report.state, report.error, report.started_at, finished_at],
        )
        .await?;
    }
    Ok(())
}

/// Records that the operator settled steps outside the shop.
pub(crate) async fn resolved(tx: &mut Tx, order_id: OrderId, kinds: &[StepKind], now: Moment) -> Result<(), Error> {
    for kind in kinds {
        tx.send(
            "INSERT INTO saga_step (order_id, kind, state, attempts, last_error, started_at, finished_at)
             VALUES (?1, ?2, ?3, 0, '', ?4, ?4)
             ON CONFLICT (order_id, kind) DO UPDATE SET state = excluded.state, finished_at = excluded.finished_at",
            params![order_id, *kind, StepState::Resolved, now],
        )
        .await?;
    }
    Ok(())
}

/// Counts attempts at open steps from 0 again.
pub(crate) async fn forget_attempts(tx: &mut Tx, order_id: OrderId) -> Result<(), Error> {
    tx.send("UPDATE saga_step SET attempts = 0 WHERE order_id = ?1 AND state = 'OPEN'", params![order_id]).await
}

struct StepRow {
    kind: StepKind,
    state: StepState,
    attempts: i64,
    last_error: String,
    started_at: Option<Moment>,
    finished_at: Option<Moment>,
}

from_row!(StepRow { kind, state, attempts, last_error, started_at, finished_at });

/// What is recorded of the steps of an order.
pub(crate) async fn steps_of_order(tx: &mut Tx, order_id: OrderId) -> Result<Vec<Step>, Error> {
    let rows: Vec<StepRow> = tx
        .fetch_all(
            "SELECT kind, state, attempts, last_error, started_at, finished_at FROM saga_step WHERE order_id = ?1",
            params![order_id],
        )
        .await?;
    let step = |row: StepRow| Step {
        kind: row.kind,
        state: row.state,
        attempts: row.attempts,
        last_error: row.last_error,
        started_at: row.started_at,
        finished_at: row.finished_at,
        refund_id: None,
    };
    Ok(rows.into_iter().map(step).collect())
}
