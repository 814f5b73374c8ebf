//! Closing: each entry goes into exactly one statement.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Error, Tx, params};

use super::statements::COLUMNS;
use crate::domain::{CloseId, Statement, StatementId};

/// A close: all its statements carry its id, so that its result can be counted however often it was interrupted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Which.
    pub(crate) id: CloseId,
    /// Everything booked before is taken.
    pub(crate) cut_off: Moment,
    /// Whether it is the one of the day.
    pub(crate) daily: bool,
}

/// Notes that a close begins, and answers its cut-off: the first one, when it was begun before.
///
/// # Errors
/// What the database says.
pub(crate) async fn begin_close(tx: &mut Tx, run: Run, now: Moment) -> Result<Moment, Error> {
    tx.send(
        "INSERT INTO close_run (id, cut_off, daily, started_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
        params![run.id, run.cut_off, run.daily, now],
    )
    .await?;
    let (cut_off,) = tx.fetch_one("SELECT cut_off FROM close_run WHERE id = ?1", params![run.id]).await?;
    Ok(cut_off)
}

/// Notes that a close is done.
///
/// # Errors
/// What the database says.
pub(crate) async fn end_close(tx: &mut Tx, id: CloseId, now: Moment) -> Result<(), Error> {
    tx.send("UPDATE close_run SET finished_at = ?2 WHERE id = ?1 AND finished_at IS NULL", params![id, now]).await
}

/// The cut-off of the last daily close that is done.
///
/// # Errors
/// What the database says.
pub(crate) async fn last_daily_close(tx: &mut Tx) -> Result<Option<Moment>, Error> {
    let (cut_off,) =
        tx.fetch_one("SELECT max(cut_off) FROM close_run WHERE daily = TRUE AND finished_at IS NOT NULL", &[]).await?;
    Ok(cut_off)
}

/// Sellers with entries before the cut-off that are in no statement: the seller, the currency, and how many entries.
///
/// # Errors
/// What the database says.
pub(crate) async fn unstated(tx: &mut Tx, cut_off: Moment) -> Result<Vec<(AccountId, String, i64)>, Error> {
    tx.fetch_all(
        "SELECT seller_id, currency, count(*) FROM statement_entry
         WHERE statement_id IS NULL AND booked_at < ?1 GROUP BY seller_id, currency",
        params![cut_off],
    )
    .await
}

/// Makes the statements of some sellers. The entries are taken first, each only if nobody else has, and a statement is the
/// sum of exactly those that were taken; a seller without any left gets none.
///
/// # Errors
/// What the database says.
pub(crate) async fn close_batch(
    tx: &mut Tx,
    run: Run,
    business_date: &str,
    sellers: &[(AccountId, String)],
    now: Moment,
) -> Result<Vec<Statement>, Error> {
    let make = format!(
        "INSERT INTO statement (id, seller_id, business_date, cut_off, state, currency, gross, refunds, commission,
            seller_discount, platform_subsidy, net, capture_count, refund_count, close_id, created_at)
         SELECT ?1, ?2, ?3, ?4, 'OPEN', ?5,
            CAST(coalesce(sum(gross) FILTER (WHERE sign = 1), 0) AS BIGINT),
            CAST(coalesce(sum(gross) FILTER (WHERE sign = -1), 0) AS BIGINT),
            CAST(sum(sign * commission) AS BIGINT), CAST(sum(sign * seller_discount) AS BIGINT),
            CAST(sum(sign * platform_subsidy) AS BIGINT), CAST(sum(sign * net) AS BIGINT),
            count(*) FILTER (WHERE sign = 1), count(*) FILTER (WHERE sign = -1), ?6, ?7
         FROM (
            SELECT gross, commission, seller_discount, platform_subsidy, net,
                CASE kind WHEN 'CAPTURE' THEN 1 ELSE -1 END AS sign
            FROM statement_entry WHERE statement_id = ?1
         ) taken
         RETURNING {COLUMNS}"
    );
    let mut statements = Vec::with_capacity(sellers.len());
    for (seller_id, currency) in sellers {
        let id = StatementId::generate();
        let taken = tx
            .execute(
                "UPDATE statement_entry SET statement_id = ?1
                 WHERE seller_id = ?2 AND currency = ?3 AND booked_at < ?4 AND statement_id IS NULL",
                params![id, seller_id, currency, run.cut_off],
            )
            .await?;
        if taken > 0 {
            let made = params![id, seller_id, business_date, run.cut_off, currency, run.id, now];
            statements.push(tx.fetch_one(&make, made).await?);
        }
    }
    Ok(statements)
}

/// How many statements a close made, and how many entries are in them.
///
/// # Errors
/// What the database says.
pub(crate) async fn closed(tx: &mut Tx, id: CloseId) -> Result<(i64, i64), Error> {
    tx.fetch_one(
        "SELECT count(*), CAST(coalesce(sum(capture_count + refund_count), 0) AS BIGINT) FROM statement WHERE close_id = ?1",
        params![id],
    )
    .await
}
