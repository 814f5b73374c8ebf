//! How many pieces each customer has taken of options that limit it. There are rows exactly for options with a limit.

use std::collections::{BTreeMap, BTreeSet};

use bojagi_kernel::id::{AccountId, OptionId};
use bojagi_store::{Bind, Error, Tx, Value, params};

/// Counts pieces for customers.
pub(crate) async fn take_all(tx: &mut Tx, counted: &BTreeMap<(OptionId, AccountId), i64>) -> Result<(), Error> {
    let row = |((option_id, customer_id), quantity): (&'_ (OptionId, AccountId), &'_ i64)| {
        vec![Value::Uuid((*option_id).into()), Value::Uuid((*customer_id).into()), Value::Integer(*quantity)]
    };
    let rows: Vec<_> = counted.iter().map(row).collect();
    tx.send_many(
        "INSERT INTO customer_taken (option_id, customer_id, taken) VALUES {(?1, ?2, ?3)}
         ON CONFLICT (option_id, customer_id) DO UPDATE SET taken = customer_taken.taken + excluded.taken",
        &rows,
    )
    .await
}

/// How many pieces customers have.
pub(crate) async fn taken(
    tx: &mut Tx,
    whose: &BTreeSet<(OptionId, AccountId)>,
) -> Result<BTreeMap<(OptionId, AccountId), i64>, Error> {
    let keys: Vec<_> =
        whose.iter().map(|(option_id, customer_id)| vec![option_id.bind(), customer_id.bind()]).collect();
    let sql = "SELECT option_id, customer_id, taken FROM customer_taken
               WHERE (option_id, customer_id) IN (VALUES {(?1, ?2)})";
    let found: Vec<(OptionId, AccountId, i64)> = tx.fetch_many(sql, &keys).await?;
    Ok(found.into_iter().map(|(option_id, customer_id, taken)| ((option_id, customer_id), taken)).collect())
}

/// No longer counts pieces for a customer; without a limit there is nothing that counts them.
pub(crate) async fn give_back(
    tx: &mut Tx,
    (option_id, customer_id): (OptionId, AccountId),
    quantity: i64,
) -> Result<(), Error> {
    tx.send(
        "UPDATE customer_taken SET taken = taken - ?3 WHERE option_id = ?1 AND customer_id = ?2",
        params![option_id, customer_id, quantity],
    )
    .await
}

/// Begins to count for an option that had no limit: what orders hold and have bought counts too, less what came back.
pub(crate) async fn begin(tx: &mut Tx, option_id: OptionId) -> Result<(), Error> {
    tx.send(
        "INSERT INTO customer_taken (option_id, customer_id, taken)
         SELECT l.option_id, h.customer_id, CAST(sum(l.quantity - coalesce(r.restocked, 0)) AS BIGINT)
         FROM hold_line l JOIN hold h ON h.order_id = l.order_id
         LEFT JOIN refunded_line r ON r.order_id = l.order_id AND r.order_line_id = l.order_line_id
         WHERE l.option_id = ?1 AND h.state IN ('RESERVED', 'SOLD') GROUP BY l.option_id, h.customer_id",
        params![option_id],
    )
    .await
}

/// Stops counting for an option that has no limit any more.
pub(crate) async fn end(tx: &mut Tx, option_id: OptionId) -> Result<(), Error> {
    tx.send("DELETE FROM customer_taken WHERE option_id = ?1", params![option_id]).await
}
