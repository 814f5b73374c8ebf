//! Accounts that may not order.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Error, Tx, params};

/// The account may not order from now on. A closed account stays closed.
pub(crate) async fn block(tx: &mut Tx, account_id: AccountId, closed: bool, now: Moment) -> Result<(), Error> {
    tx.send(
        "INSERT INTO blocked_account (account_id, closed, since) VALUES (?1, ?2, ?3)
         ON CONFLICT (account_id) DO UPDATE SET closed = blocked_account.closed OR excluded.closed",
        params![account_id, closed, now],
    )
    .await
}

/// The account may order again, unless it is closed.
pub(crate) async fn unblock(tx: &mut Tx, account_id: AccountId) -> Result<(), Error> {
    tx.send("DELETE FROM blocked_account WHERE account_id = ?1 AND NOT closed", params![account_id]).await
}

/// Whether the account may not order.
pub(crate) async fn is_blocked(tx: &mut Tx, account_id: AccountId) -> Result<bool, Error> {
    let row: Option<(bool,)> =
        tx.fetch_optional("SELECT closed FROM blocked_account WHERE account_id = ?1", params![account_id]).await?;
    Ok(row.is_some())
}

/// Whether the account is closed for good.
pub(crate) async fn closed(tx: &mut Tx, account_id: AccountId) -> Result<bool, Error> {
    let row: Option<(bool,)> =
        tx.fetch_optional("SELECT closed FROM blocked_account WHERE account_id = ?1", params![account_id]).await?;
    Ok(row.is_some_and(|(closed,)| closed))
}
