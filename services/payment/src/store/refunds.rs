//! Refunds.

use bojagi_kernel::Moment;
use bojagi_kernel::id::OrderId;
use bojagi_store::{Error, FromRow, Row, Tx, params};

use super::columns::StoredCurrency;
use crate::domain::{Legs, Refund, RefundId};

/// The columns of a refund, in the order in which they are read.
macro_rules! columns {
    () => {
        "id, order_id, state, currency, amount, points, external, reason, allocations, attempt, asked_at, created_at,
         refunded_at"
    };
}

impl FromRow for Refund {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: row.get(0)?,
            order_id: row.get(1)?,
            state: row.get(2)?,
            currency: row.get::<StoredCurrency>(3)?.0,
            amount: row.get(4)?,
            legs: Legs { points: row.get(5)?, external: row.get(6)? },
            reason: row.get(7)?,
            allocations: row.get(8)?,
            attempt: row.get(9)?,
            asked_at: row.get(10)?,
            created_at: row.get(11)?,
            refunded_at: row.get(12)?,
        })
    }
}

/// Stores a new refund. False when there is one of this id already.
pub(crate) async fn insert(tx: &mut Tx, refund: &Refund) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            concat!(
                "INSERT INTO refund (",
                columns!(),
                ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO NOTHING"
            ),
            params![
                refund.id,
                refund.order_id,
                refund.state,
                refund.currency.code(),
                refund.amount,
                refund.legs.points,
                refund.legs.external,
                refund.reason,
                refund.allocations,
                refund.attempt,
                refund.asked_at,
                refund.created_at,
                refund.refunded_at,
            ],
        )
        .await?;
    Ok(inserted > 0)
}

/// Stores a changed refund. False when somebody else changed it since it was read as `earlier`.
pub(crate) async fn update(tx: &mut Tx, refund: &Refund, earlier: &Refund) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE refund SET state = ?4, points = ?5, external = ?6, attempt = ?7, asked_at = ?8, refunded_at = ?9
             WHERE id = ?1 AND state = ?2 AND attempt = ?3",
            params![
                refund.id,
                earlier.state,
                earlier.attempt,
                refund.state,
                refund.legs.points,
                refund.legs.external,
                refund.attempt,
                refund.asked_at,
                refund.refunded_at,
            ],
        )
        .await?;
    Ok(updated > 0)
}

pub(crate) async fn by_id(tx: &mut Tx, refund_id: RefundId) -> Result<Option<Refund>, Error> {
    tx.fetch_optional(concat!("SELECT ", columns!(), " FROM refund WHERE id = ?1"), params![refund_id]).await
}

/// The refunds of an order, oldest first.
pub(crate) async fn of_order(tx: &mut Tx, order_id: OrderId) -> Result<Vec<Refund>, Error> {
    tx.fetch_all(
        concat!("SELECT ", columns!(), " FROM refund WHERE order_id = ?1 ORDER BY created_at, id"),
        params![order_id],
    )
    .await
}

/// Refunds that the provider was asked for before `before` and has not answered for good, the longest waiting first.
pub(crate) async fn waiting(tx: &mut Tx, before: Moment, limit: i64) -> Result<Vec<Refund>, Error> {
    tx.fetch_all(
        concat!("SELECT ", columns!(), " FROM refund WHERE asked_at <= ?1 ORDER BY asked_at LIMIT ?2"),
        params![before, limit],
    )
    .await
}

/// Notes that the provider is asked now about an attempt. False when it has answered, or was asked since it was asked at `read`.
pub(crate) async fn claim(
    tx: &mut Tx,
    refund_id: RefundId,
    attempt: i64,
    read: Moment,
    now: Moment,
) -> Result<bool, Error> {
    let claimed = tx
        .execute(
            "UPDATE refund SET asked_at = ?4 WHERE id = ?1 AND attempt = ?2 AND asked_at = ?3",
            params![refund_id, attempt, read, now],
        )
        .await?;
    Ok(claimed > 0)
}

pub(super) const REFUNDED_BEFORE: &str =
    "SELECT currency, CAST(sum(amount) AS BIGINT) FROM refund WHERE refunded_at IS NOT NULL AND refunded_at < ?1
     GROUP BY currency ORDER BY currency";

/// What had gone back before a moment, by currency.
pub(crate) async fn refunded_before(tx: &mut Tx, as_of: Moment) -> Result<Vec<(String, i64)>, Error> {
    tx.fetch_all(REFUNDED_BEFORE, params![as_of]).await
}
