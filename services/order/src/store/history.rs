//! Every state an order entered, with time, cause and trace.

use bojagi_kernel::Moment;
use bojagi_kernel::id::OrderId;
use bojagi_store::{Column, Error, Row, Tx, from_row, params};

use crate::domain::{Draft, Life, News, Order, Stage};
use crate::trace;

/// One entry of a history.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) sequence: i64,
    pub(crate) state: Stage,
    pub(crate) occurred_at: Moment,
    pub(crate) cause: String,
    pub(crate) trace_id: String,
}

from_row!(Change { sequence, state, occurred_at, cause, trace_id });

impl Column for Stage {
    fn read(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        if row.text(index)? == "DRAFT" { Ok(Self::Draft) } else { Life::read(row, index).map(Self::Placed) }
    }
}

/// The state that a piece of news entered, if it did.
pub(super) const fn state_entered(news: &News) -> Option<Life> {
    match news {
        News::Placed => Some(Life::Pending),
        News::Confirmed => Some(Life::Confirmed),
        News::Failed => Some(Life::Failed),
        News::Cancelling(_) => Some(Life::Cancelling),
        News::Cancelled => Some(Life::Cancelled),
        News::Completed => Some(Life::Completed),
        News::DeliveryBegun(_)
        | News::DeliveryCompleted(_)
        | News::RefundRequested(_)
        | News::RefundWithdrawn(_)
        | News::RefundApproved(_)
        | News::RefundRejected(_)
        | News::RefundMoved(_) => None,
    }
}

fn cause(order: &Order, news: &News) -> String {
    match news {
        News::Placed => "PLACED",
        News::Confirmed => "PAID",
        News::Failed => return order.failure.as_ref().map(|failure| failure.reason.clone()).unwrap_or_default(),
        News::Cancelling(reason) => reason.name(),
        News::Cancelled => "ALL_GIVEN_BACK",
        News::Completed => "ALL_DELIVERED",
        // They enter no state.
        News::DeliveryBegun(_)
        | News::DeliveryCompleted(_)
        | News::RefundRequested(_)
        | News::RefundWithdrawn(_)
        | News::RefundApproved(_)
        | News::RefundRejected(_)
        | News::RefundMoved(_) => "",
    }
    .to_owned()
}

/// Keeps that a draft was begun, as the first entry of the order that it may become.
pub(super) async fn begin(tx: &mut Tx, draft: &Draft) -> Result<(), Error> {
    let trace_id = tx.trace().map(|trace| trace.trace_id()).unwrap_or_default();
    tx.send(
        "INSERT INTO order_history (order_id, sequence, state, occurred_at, cause, trace_id)
         VALUES (?1, 1, 'DRAFT', ?2, 'DRAFTED', ?3)",
        params![draft.id, draft.begun_at, trace_id],
    )
    .await
}

/// Keeps the states that the news entered; `order.changes` has counted them already.
pub(super) async fn record(tx: &mut Tx, order: &Order, news: &[News], now: Moment) -> Result<(), Error> {
    let entered: Vec<_> = news.iter().filter_map(|news| state_entered(news).map(|state| (news, state))).collect();
    let trace = tx.trace().cloned().or_else(|| trace::of(order));
    let trace_id = trace.map(|trace| trace.trace_id()).unwrap_or_default();
    let before = order.changes - i64::try_from(entered.len()).unwrap_or_default();
    for (sequence, (news, state)) in (before + 1..).zip(entered) {
        tx.send(
            "INSERT INTO order_history (order_id, sequence, state, occurred_at, cause, trace_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![order.id, sequence, state, now, cause(order, news), trace_id],
        )
        .await?;
    }
    Ok(())
}

/// The history of an order after an entry, oldest first.
pub(crate) async fn history_of(tx: &mut Tx, order_id: OrderId, after: i64, limit: i64) -> Result<Vec<Change>, Error> {
    tx.fetch_all(
        "SELECT sequence, state, occurred_at, cause, trace_id FROM order_history
         WHERE order_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3",
        params![order_id, after, limit],
    )
    .await
}
