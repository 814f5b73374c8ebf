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

/// What was captured and refunded before `as_of`, by payment's own times, by currency code.
pub(crate) async fn money_totals(tx: &mut Tx, as_of: Moment) -> Result<Vec<MoneyTotal>, Error> {
    tx.fetch_all(
        "SELECT currency, CAST(sum(gross - discount) AS BIGINT),
            CAST(coalesce(sum(CASE WHEN refunded_at < ?1 THEN refunded ELSE 0 END), 0) AS BIGINT)
         FROM orders WHERE captured_at < ?1 GROUP BY currency ORDER BY currency",
        params![as_of],
    )
    .await
}
