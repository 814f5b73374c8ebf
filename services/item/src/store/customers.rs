//! Customers whose accounts are closed, which is final.

use std::collections::BTreeSet;

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Bind, Error, Tx, params};

/// Notes that a customer has gone, and may have left something.
pub(crate) async fn close(tx: &mut Tx, customer_id: AccountId, now: Moment) -> Result<(), Error> {
    tx.send(
        "INSERT INTO closed_customer (customer_id, closed_at, cleared) VALUES (?1, ?2, FALSE)
         ON CONFLICT (customer_id) DO NOTHING",
        params![customer_id, now],
    )
    .await
}

/// Whether a customer has gone.
pub(crate) async fn is_closed(tx: &mut Tx, customer_id: AccountId) -> Result<bool, Error> {
    let closed: Option<(i64,)> =
        tx.fetch_optional("SELECT 1 FROM closed_customer WHERE customer_id = ?1", params![customer_id]).await?;
    Ok(closed.is_some())
}

/// Which of these customers have gone.
pub(crate) async fn closed_of(tx: &mut Tx, customers: &BTreeSet<AccountId>) -> Result<BTreeSet<AccountId>, Error> {
    let keys: Vec<_> = customers.iter().map(|customer_id| vec![customer_id.bind()]).collect();
    let sql = "SELECT customer_id FROM closed_customer WHERE customer_id IN ({?1})";
    let closed: Vec<(AccountId,)> = tx.fetch_many(sql, &keys).await?;
    Ok(closed.into_iter().map(|(customer_id,)| customer_id).collect())
}

pub(crate) const TO_CLEAR: &str =
    "SELECT customer_id FROM closed_customer WHERE NOT cleared ORDER BY closed_at LIMIT ?1";

/// Those who have gone and may have left something, the first who went first; at most `limit`.
pub(crate) async fn to_clear(tx: &mut Tx, limit: i64) -> Result<Vec<AccountId>, Error> {
    let closed: Vec<(AccountId,)> = tx.fetch_all(TO_CLEAR, params![limit]).await?;
    Ok(closed.into_iter().map(|(customer_id,)| customer_id).collect())
}

/// Notes that nothing is left of a customer.
pub(crate) async fn cleared(tx: &mut Tx, customer_id: AccountId) -> Result<(), Error> {
    tx.send("UPDATE closed_customer SET cleared = TRUE WHERE customer_id = ?1", params![customer_id]).await
}
