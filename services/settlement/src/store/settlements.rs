//! Settlements, and where a seller's money is.

use std::collections::BTreeMap;

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Currency, Moment, Money};
use bojagi_store::{Error, FromRow, Row, Tx, params};

use super::stored::money;
use crate::domain::{PayoutId, SellerBalance, Settlement, SettlementId, StatementId};

struct Sum(Money);

impl FromRow for Sum {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        money(row, 0, 1).map(Self)
    }
}

/// Takes the next number for settlements of a seller. Settlements of one seller wait for each other here, so that nothing
/// that was carried is brought forward twice.
///
/// # Errors
/// What the database says.
pub(crate) async fn next_number(tx: &mut Tx, seller_id: AccountId) -> Result<i64, Error> {
    let (number,) = tx
        .fetch_one(
            "INSERT INTO settlement_number (seller_id, last) VALUES (?1, 1)
             ON CONFLICT (seller_id) DO UPDATE SET last = settlement_number.last + 1 RETURNING last",
            params![seller_id],
        )
        .await?;
    Ok(number)
}

/// What a seller's settlements came to and no living payout has taken, by currency; below 0 where the seller owes.
///
/// # Errors
/// What the database says.
pub(crate) async fn carried(tx: &mut Tx, seller_id: AccountId) -> Result<Vec<Money>, Error> {
    let sums: Vec<Sum> = tx
        .fetch_all(
            "SELECT currency, CAST(sum(amount) AS BIGINT) FROM (
                SELECT currency, statements_net AS amount FROM settlement WHERE seller_id = ?1
                UNION ALL
                SELECT currency, -amount FROM payout WHERE seller_id = ?1 AND state NOT IN ('FAILED', 'RETURNED')
             ) moves GROUP BY currency ORDER BY currency",
            params![seller_id],
        )
        .await?;
    Ok(sums.into_iter().map(|Sum(sum)| sum).collect())
}

/// Settles a seller's open statements of a period, each only if nobody else has. Answers them oldest first, with their
/// currency and net amount.
///
/// # Errors
/// What the database says.
pub(crate) async fn settle_statements(
    tx: &mut Tx,
    seller_id: AccountId,
    period: (&str, &str),
    now: Moment,
) -> Result<Vec<(StatementId, Money)>, Error> {
    struct Settled(Moment, StatementId, Money);
    impl FromRow for Settled {
        fn from_row(row: &Row<'_>) -> Result<Self, Error> {
            Ok(Self(row.get(0)?, row.get(1)?, money(row, 2, 3)?))
        }
    }
    let mut settled: Vec<Settled> = tx
        .fetch_all(
            "UPDATE statement SET state = 'SETTLED', settled_at = ?4
             WHERE seller_id = ?1 AND state = 'OPEN' AND business_date >= ?2 AND business_date <= ?3
             RETURNING cut_off, id, currency, net",
            params![seller_id, period.0, period.1, now],
        )
        .await?;
    settled.sort_by_key(|Settled(cut_off, id, _)| (*cut_off, *id));
    Ok(settled.into_iter().map(|Settled(_, id, net)| (id, net)).collect())
}

/// Adds a settlement and notes it on its statements.
///
/// # Errors
/// What the database says.
pub(crate) async fn insert_settlement(
    tx: &mut Tx,
    settlement: &Settlement,
    number: i64,
    now: Moment,
) -> Result<(), Error> {
    let payout_id: Option<PayoutId> = settlement.payout.as_ref().map(|payout| payout.id);
    tx.send(
        "INSERT INTO settlement (id, seller_id, number, currency, statements_net, brought_forward, carried_forward,
            payout_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            settlement.id,
            settlement.seller_id,
            number,
            settlement.statements_net.currency().code(),
            settlement.statements_net.minor(),
            settlement.brought_forward.minor(),
            settlement.carried_forward.minor(),
            payout_id,
            now,
        ],
    )
    .await?;
    for statement_id in &settlement.statement_ids {
        note_settlement(tx, *statement_id, settlement.id, payout_id).await?;
    }
    Ok(())
}

async fn note_settlement(
    tx: &mut Tx,
    statement_id: StatementId,
    settlement_id: SettlementId,
    payout_id: Option<PayoutId>,
) -> Result<(), Error> {
    tx.send(
        "UPDATE statement SET settlement_id = ?2, payout_id = ?3 WHERE id = ?1",
        params![statement_id, settlement_id, payout_id],
    )
    .await
}

/// Where a seller's money is, by currency. A currency in which nothing ever happened is left out.
///
/// # Errors
/// What the database says; `Error::Column` when a sum does not fit.
pub(crate) async fn balances(tx: &mut Tx, seller_id: AccountId) -> Result<Vec<SellerBalance>, Error> {
    let mut balances: BTreeMap<Currency, SellerBalance> = BTreeMap::new();
    let mut at = |sums: Vec<Money>, place: fn(&mut SellerBalance) -> &mut Money| {
        for sum in sums {
            let nothing = Money::zero(sum.currency());
            let balance = balances.entry(sum.currency()).or_insert(SellerBalance {
                unsettled: nothing,
                open_statements: nothing,
                carried: nothing,
                in_transit: nothing,
                paid_out: nothing,
            });
            *place(balance) = sum;
        }
    };
    at(sums(tx, UNSETTLED, seller_id).await?, |balance| &mut balance.unsettled);
    at(sums(tx, OPEN_STATEMENTS, seller_id).await?, |balance| &mut balance.open_statements);
    at(carried(tx, seller_id).await?, |balance| &mut balance.carried);
    at(sums(tx, IN_TRANSIT, seller_id).await?, |balance| &mut balance.in_transit);
    at(sums(tx, PAID_OUT, seller_id).await?, |balance| &mut balance.paid_out);
    Ok(balances.into_values().collect())
}

const UNSETTLED: &str = "SELECT currency, CAST(sum(CASE kind WHEN 'CAPTURE' THEN net ELSE -net END) AS BIGINT)
    FROM statement_entry WHERE seller_id = ?1 AND statement_id IS NULL GROUP BY currency";
const OPEN_STATEMENTS: &str = "SELECT currency, CAST(sum(net) AS BIGINT) FROM statement
    WHERE seller_id = ?1 AND state = 'OPEN' GROUP BY currency";
const IN_TRANSIT: &str = "SELECT currency, CAST(sum(amount) AS BIGINT) FROM payout
    WHERE seller_id = ?1 AND state IN ('PENDING', 'IN_TRANSIT') GROUP BY currency";
const PAID_OUT: &str = "SELECT currency, CAST(sum(amount) AS BIGINT) FROM payout
    WHERE seller_id = ?1 AND state = 'PAID' GROUP BY currency";

async fn sums(tx: &mut Tx, sql: &str, seller_id: AccountId) -> Result<Vec<Money>, Error> {
    let sums: Vec<Sum> = tx.fetch_all(sql, params![seller_id]).await?;
    Ok(sums.into_iter().map(|Sum(sum)| sum).collect())
}
