//! The money of all orders, for the proof of conservation.

use bojagi_kernel::Moment;
use bojagi_store::{Error, Tx, from_row, params};

/// What orders of one currency were paid, and what was given back, in minor units.
#[derive(Debug, Clone)]
pub(crate) struct MoneyTotal {
    pub(crate) currency: String,
    pub(crate) paid: i64,
    pub(crate) given_back: i64,
}

from_row!(MoneyTotal { currency, paid, given_back });

/// What was captured and refunded before `as_of`, by payment's own times, by currency code. A cancelled order went back as a
/// whole; of one that was sent each refund has a time of its own.
pub(crate) async fn money_totals(tx: &mut Tx, as_of: Moment) -> Result<Vec<MoneyTotal>, Error> {
    tx.fetch_all(
        "SELECT currency, CAST(sum(paid) AS BIGINT), CAST(sum(given_back) AS BIGINT)
         FROM (SELECT currency, gross - discount AS paid,
                  CASE WHEN refunds = 0 AND refunded_at < ?1 THEN refunded ELSE 0 END AS given_back
               FROM orders WHERE captured_at < ?1
               UNION ALL
               SELECT currency, 0, amount FROM refund WHERE refunded_at IS NOT NULL AND refunded_at < ?1) AS moved
         GROUP BY currency ORDER BY currency",
        params![as_of],
    )
    .await
}
