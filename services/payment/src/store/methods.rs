//! Payment methods.

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, PaymentMethodId};
use bojagi_store::{Bind, Error, Filter, FromRow, Row, Tx, params};

use crate::domain::{MethodSummary, PaidWith, PaymentMethod};

/// The columns of a method, in the order in which they are read.
macro_rules! columns {
    () => {
        "id, account_id, provider_token, method_type, method_issuer, method_last_four, is_default, created_at"
    };
}

impl FromRow for PaymentMethod {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let summary = MethodSummary { kind: row.get(3)?, issuer: row.get(4)?, last_four: row.get(5)? };
        Ok(Self {
            id: row.get(0)?,
            account_id: row.get(1)?,
            paid_with: PaidWith { token: row.get(2)?, summary },
            is_default: row.get(6)?,
            created_at: row.get(7)?,
        })
    }
}

/// What an account's method pays with.
pub(crate) async fn paid_with(
    tx: &mut Tx,
    account_id: AccountId,
    payment_method_id: PaymentMethodId,
) -> Result<Option<PaidWith>, Error> {
    let found: Option<PaymentMethod> = tx
        .fetch_optional(
            concat!("SELECT ", columns!(), " FROM payment_method WHERE id = ?1 AND account_id = ?2"),
            params![payment_method_id, account_id],
        )
        .await?;
    Ok(found.map(|method| method.paid_with))
}

/// How many methods an account has, and whether one of them is its default.
pub(crate) async fn count(tx: &mut Tx, account_id: AccountId) -> Result<(i64, bool), Error> {
    let (count, defaults): (i64, i64) = tx
        .fetch_one(
            "SELECT count(*), count(CASE WHEN is_default THEN 1 END) FROM payment_method WHERE account_id = ?1",
            params![account_id],
        )
        .await?;
    Ok((count, defaults > 0))
}

/// Stores a new method; a violated constraint says that the account has it already.
pub(crate) async fn insert(tx: &mut Tx, method: &PaymentMethod) -> Result<(), Error> {
    let PaidWith { token, summary } = &method.paid_with;
    tx.execute(
        concat!("INSERT INTO payment_method (", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        params![
            method.id,
            method.account_id,
            token,
            summary.kind,
            summary.issuer,
            summary.last_four,
            method.is_default,
            method.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// An account's methods, the default first, then newest first; those after `after`.
pub(crate) async fn list(
    tx: &mut Tx,
    account_id: AccountId,
    after: Option<(bool, PaymentMethodId)>,
    limit: i64,
) -> Result<Vec<PaymentMethod>, Error> {
    let mut filter = Filter::new();
    filter.and("account_id = ?", [account_id.bind()]);
    if let Some((is_default, id)) = &after {
        filter.and("(is_default, id) < (?, ?)", [is_default.bind(), id.bind()]);
    }
    let methods = concat!("SELECT ", columns!(), " FROM payment_method");
    let (sql, params) = filter.statement(methods, "is_default DESC, id DESC", limit);
    tx.fetch_all(&sql, &params).await
}

/// Removes a method; the newest of the others takes its place if it was the default. False when there was none.
pub(crate) async fn remove(
    tx: &mut Tx,
    account_id: AccountId,
    payment_method_id: PaymentMethodId,
) -> Result<bool, Error> {
    let removed: Option<(bool,)> = tx
        .fetch_optional(
            "DELETE FROM payment_method WHERE id = ?1 AND account_id = ?2 RETURNING is_default",
            params![payment_method_id, account_id],
        )
        .await?;
    if removed == Some((true,)) {
        tx.send(
            "UPDATE payment_method SET is_default = TRUE WHERE id =
                (SELECT id FROM payment_method WHERE account_id = ?1 ORDER BY id DESC LIMIT 1)",
            params![account_id],
        )
        .await?;
    }
    Ok(removed.is_some())
}

/// Makes a method the default. `None` when the account has no such method.
pub(crate) async fn make_default(
    tx: &mut Tx,
    account_id: AccountId,
    payment_method_id: PaymentMethodId,
) -> Result<Option<PaymentMethod>, Error> {
    tx.send(
        "UPDATE payment_method SET is_default = FALSE WHERE account_id = ?1 AND is_default AND id <> ?2
            AND EXISTS (SELECT 1 FROM payment_method m WHERE m.id = ?2 AND m.account_id = ?1)",
        params![account_id, payment_method_id],
    )
    .await?;
    tx.fetch_optional(
        concat!("UPDATE payment_method SET is_default = TRUE WHERE id = ?2 AND account_id = ?1 RETURNING ", columns!()),
        params![account_id, payment_method_id],
    )
    .await
}

/// Removes all methods of an account that was closed, which stays closed.
pub(crate) async fn close_account(tx: &mut Tx, account_id: AccountId, now: Moment) -> Result<(), Error> {
    tx.send(
        "INSERT INTO closed_account (account_id, closed_at) VALUES (?1, ?2) ON CONFLICT (account_id) DO NOTHING",
        params![account_id, now],
    )
    .await?;
    tx.send("DELETE FROM payment_method WHERE account_id = ?1", params![account_id]).await
}

/// Whether an account was closed.
pub(crate) async fn is_closed(tx: &mut Tx, account_id: AccountId) -> Result<bool, Error> {
    let closed: Option<(Moment,)> =
        tx.fetch_optional("SELECT closed_at FROM closed_account WHERE account_id = ?1", params![account_id]).await?;
    Ok(closed.is_some())
}
