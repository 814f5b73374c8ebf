//! How many pieces each customer has taken of options that limit it. There are rows exactly for options with a limit.

use bojagi_kernel::id::{AccountId, OptionId};
use bojagi_store::{Error, Tx, params};

/// Counts pieces for a customer; false when the limit would be passed. `quantity` alone must not be above the limit.
pub(crate) async fn take(
    tx: &mut Tx,
    (option_id, customer_id): (OptionId, AccountId),
    quantity: i64,
    limit: i64,
) -> Result<bool, Error> {
    let counted = tx
        .execute(
            "INSERT INTO customer_taken (option_id, customer_id, taken) VALUES (?1, ?2, ?3)
             ON CONFLICT (option_id, customer_id) DO UPDATE SET taken = customer_taken.taken + excluded.taken
             WHERE customer_taken.taken + excluded.taken <= ?4",
            params![option_id, customer_id, quantity, limit],
        )
        .await?;
    Ok(counted == 1)
}

/// How many pieces a customer has.
pub(crate) async fn taken(tx: &mut Tx, option_id: OptionId, customer_id: AccountId) -> Result<i64, Error> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT taken FROM customer_taken WHERE option_id = ?1 AND customer_id = ?2",
            params![option_id, customer_id],
        )
        .await?;
    Ok(row.map_or(0, |(taken,)| taken))
}

/// No longer counts pieces for a customer; without a limit there is nothing that counts them.
pub(crate) async fn give_back(
    tx: &mut Tx,
    (option_id, customer_id): (OptionId, AccountId),
    quantity: i64,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE customer_taken SET taken = taken - ?3 WHERE option_id = ?1 AND customer_id = ?2",
        params![option_id, customer_id, quantity],
    )
    .await?;
    Ok(())
}

/// Begins to count for an option that had no limit: what orders hold and have bought counts too.
pub(crate) async fn begin(tx: &mut Tx, option_id: OptionId) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO customer_taken (option_id, customer_id, taken)
         SELECT l.option_id, h.customer_id, CAST(sum(l.quantity) AS BIGINT)
         FROM hold_line l JOIN hold h ON h.order_id = l.order_id
         WHERE l.option_id = ?1 AND h.state IN ('RESERVED', 'SOLD') GROUP BY l.option_id, h.customer_id",
        params![option_id],
    )
    .await?;
    Ok(())
}

/// Stops counting for an option that has no limit any more.
pub(crate) async fn end(tx: &mut Tx, option_id: OptionId) -> Result<(), Error> {
    tx.execute("DELETE FROM customer_taken WHERE option_id = ?1", params![option_id]).await?;
    Ok(())
}
