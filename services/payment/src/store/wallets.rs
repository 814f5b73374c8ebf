//! Wallets and what moved in them.

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_store::{Bind, Error, Filter, Tx, from_row, params};

use crate::domain::{Balance, ChargeId, WalletEntry, WalletEntryId, WalletEntryKind};

from_row!(Balance { available, held });
from_row!(WalletEntry { id, kind, amount, balance_after, order_id, charge_id, created_at });

/// Holds points for an order. False when the wallet has fewer.
pub(crate) async fn hold(tx: &mut Tx, account_id: AccountId, points: i64) -> Result<bool, Error> {
    let held = tx
        .execute(
            "UPDATE wallet SET available = available - ?2, held = held + ?2 WHERE account_id = ?1 AND available >= ?2",
            params![account_id, points],
        )
        .await?;
    Ok(held > 0)
}

/// Lets held points go.
pub(crate) async fn release(tx: &mut Tx, account_id: AccountId, points: i64) -> Result<(), Error> {
    tx.send(
        "UPDATE wallet SET available = available + ?2, held = held - ?2 WHERE account_id = ?1",
        params![account_id, points],
    )
    .await
}

/// Uses held points for an order.
pub(crate) async fn consume(
    tx: &mut Tx,
    account_id: AccountId,
    points: i64,
    order_id: OrderId,
    now: Moment,
) -> Result<(), Error> {
    let balance: Balance = tx
        .fetch_one(
            "UPDATE wallet SET held = held - ?2 WHERE account_id = ?1 RETURNING available, held",
            params![account_id, points],
        )
        .await?;
    enter(tx, account_id, WalletEntryKind::Use, points, balance, (Some(order_id), None), now).await
}

/// Puts points back that had paid for an order.
pub(crate) async fn give_back(
    tx: &mut Tx,
    account_id: AccountId,
    points: i64,
    order_id: OrderId,
    now: Moment,
) -> Result<(), Error> {
    let balance = add(tx, account_id, points).await?;
    enter(tx, account_id, WalletEntryKind::Refund, points, balance, (Some(order_id), None), now).await
}

/// Puts points in that were paid for.
pub(crate) async fn charge(
    tx: &mut Tx,
    account_id: AccountId,
    points: i64,
    charge_id: ChargeId,
    now: Moment,
) -> Result<Balance, Error> {
    let balance = add(tx, account_id, points).await?;
    enter(tx, account_id, WalletEntryKind::Charge, points, balance, (None, Some(charge_id)), now).await?;
    Ok(balance)
}

async fn add(tx: &mut Tx, account_id: AccountId, points: i64) -> Result<Balance, Error> {
    tx.fetch_one(
        "INSERT INTO wallet (account_id, available, held) VALUES (?1, ?2, 0)
         ON CONFLICT (account_id) DO UPDATE SET available = wallet.available + excluded.available
         RETURNING available, held",
        params![account_id, points],
    )
    .await
}

async fn enter(
    tx: &mut Tx,
    account_id: AccountId,
    kind: WalletEntryKind,
    amount: i64,
    balance: Balance,
    cause: (Option<OrderId>, Option<ChargeId>),
    now: Moment,
) -> Result<(), Error> {
    tx.send(
        "INSERT INTO wallet_entry (id, account_id, kind, amount, balance_after, order_id, charge_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![WalletEntryId::generate(), account_id, kind, amount, balance.owned(), cause.0, cause.1, now],
    )
    .await
}

pub(crate) async fn balance(tx: &mut Tx, account_id: AccountId) -> Result<Balance, Error> {
    let found =
        tx.fetch_optional("SELECT available, held FROM wallet WHERE account_id = ?1", params![account_id]).await?;
    Ok(found.unwrap_or_default())
}

/// What moved an account's points, newest first, what comes after `after`.
pub(crate) async fn entries(
    tx: &mut Tx,
    account_id: AccountId,
    kind: Option<WalletEntryKind>,
    after: Option<WalletEntryId>,
    limit: i64,
) -> Result<Vec<WalletEntry>, Error> {
    let mut filter = Filter::new();
    filter.and("account_id = ?", [account_id.bind()]);
    filter.and_if("kind = ?", kind.as_ref());
    filter.and_if("id < ?", after.as_ref());
    let columns = "SELECT id, kind, amount, balance_after, order_id, charge_id, created_at FROM wallet_entry";
    let (sql, params) = filter.statement(columns, "id DESC", limit);
    tx.fetch_all(&sql, &params).await
}
