//! Address books.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Bind, Error, Filter, FromRow, Row, Tx, params};

use crate::domain::address::{Address, AddressChange, AddressId, AddressText};

const COLUMNS: &str = "address_id, label, recipient_name, phone, postal_code, line1, line2, is_default, created_at";

impl FromRow for Address {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let text = AddressText {
            label: row.get(1)?,
            recipient_name: row.get(2)?,
            phone: row.get(3)?,
            postal_code: row.get(4)?,
            line1: row.get(5)?,
            line2: row.get(6)?,
        };
        Ok(Self { address_id: row.get(0)?, text, is_default: row.get(7)?, created_at: row.get(8)? })
    }
}

/// Makes room for one more address; `None` when the book is full, otherwise how many there are with it.
pub(crate) async fn make_room(tx: &mut Tx, account_id: AccountId, limit: i64) -> Result<Option<i64>, Error> {
    let count: Option<(i64,)> = tx
        .fetch_optional(
            "UPDATE account SET address_count = address_count + 1
             WHERE account_id = ?1 AND address_count < ?2 AND state <> 'CLOSED' RETURNING address_count",
            params![account_id, limit],
        )
        .await?;
    Ok(count.map(|(count,)| count))
}

/// Adds an address for which there is room.
pub(crate) async fn insert(tx: &mut Tx, account_id: AccountId, address: &Address) -> Result<(), Error> {
    let Address { address_id, text, is_default, created_at } = address;
    tx.send(
        "INSERT INTO address (address_id, account_id, label, recipient_name, phone, postal_code, line1, line2,
             is_default, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            address_id,
            account_id,
            text.label,
            text.recipient_name,
            text.phone,
            text.postal_code,
            text.line1,
            text.line2,
            is_default,
            created_at
        ],
    )
    .await
}

pub(crate) async fn update(
    tx: &mut Tx,
    account_id: AccountId,
    address_id: AddressId,
    change: &AddressChange,
) -> Result<Option<Address>, Error> {
    let AddressChange { label, recipient_name, phone, postal_code, line1, line2 } = change;
    tx.fetch_optional(
        &format!(
            "UPDATE address SET label = coalesce(?3, label), recipient_name = coalesce(?4, recipient_name),
                 phone = coalesce(?5, phone), postal_code = coalesce(?6, postal_code), line1 = coalesce(?7, line1),
                 line2 = coalesce(?8, line2)
             WHERE address_id = ?1 AND account_id = ?2 RETURNING {COLUMNS}"
        ),
        params![address_id, account_id, label, recipient_name, phone, postal_code, line1, line2],
    )
    .await
}

/// Removes an address, and says whether it was the default.
pub(crate) async fn remove(tx: &mut Tx, account_id: AccountId, address_id: AddressId) -> Result<Option<bool>, Error> {
    let removed: Option<(bool,)> = tx
        .fetch_optional(
            "DELETE FROM address WHERE address_id = ?1 AND account_id = ?2 RETURNING is_default",
            params![address_id, account_id],
        )
        .await?;
    if removed.is_some() {
        let sql = "UPDATE account SET address_count = address_count - 1 WHERE account_id = ?1";
        tx.send(sql, params![account_id]).await?;
    }
    Ok(removed.map(|(was_default,)| was_default))
}

/// Makes the newest address of an account without a default the default.
pub(crate) async fn promote_newest(tx: &mut Tx, account_id: AccountId) -> Result<(), Error> {
    tx.send(
        "UPDATE address SET is_default = TRUE WHERE address_id =
             (SELECT address_id FROM address WHERE account_id = ?1 ORDER BY created_at DESC, address_id DESC LIMIT 1)",
        params![account_id],
    )
    .await
}

pub(crate) async fn clear_default(tx: &mut Tx, account_id: AccountId) -> Result<(), Error> {
    let sql = "UPDATE address SET is_default = FALSE WHERE account_id = ?1 AND is_default";
    tx.send(sql, params![account_id]).await
}

/// Makes an address the default of an account that has none at the moment.
pub(crate) async fn set_default(
    tx: &mut Tx,
    account_id: AccountId,
    address_id: AddressId,
) -> Result<Option<Address>, Error> {
    tx.fetch_optional(
        &format!("UPDATE address SET is_default = TRUE WHERE address_id = ?1 AND account_id = ?2 RETURNING {COLUMNS}"),
        params![address_id, account_id],
    )
    .await
}

/// The place of an address in its list.
pub(crate) type Place = (bool, Moment, AddressId);

/// Addresses after `after`, the default first, then the newest.
pub(crate) async fn list(
    tx: &mut Tx,
    account_id: AccountId,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Address>, Error> {
    let mut filter = Filter::new();
    filter.and("account_id = ?", [account_id.bind()]);
    if let Some((is_default, created_at, address_id)) = &after {
        let place = [is_default.bind(), created_at.bind(), address_id.bind()];
        filter.and("(is_default, created_at, address_id) < (?, ?, ?)", place);
    }
    let order = "is_default DESC, created_at DESC, address_id DESC";
    let (sql, params) = filter.statement(&format!("SELECT {COLUMNS} FROM address"), order, limit);
    tx.fetch_all(&sql, &params).await
}

/// Removes every address of an account, and the kept answers to its requests, which repeat the addresses that were added.
pub(crate) async fn remove_all(tx: &mut Tx, account_id: AccountId) -> Result<(), Error> {
    tx.send("DELETE FROM address WHERE account_id = ?1", params![account_id]).await?;
    tx.send("DELETE FROM idempotency WHERE caller = ?1", params![account_id.to_string()]).await
}
