//! What customers would like to have.

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OptionId};
use bojagi_store::{Error, FromRow, Row, Tx, params};

use super::money;
use crate::domain::options::OptionState;
use crate::domain::wishlist::{Entry, Standing};

/// Entries with what they are about as it is now. Rows of options and items stay when they are taken off the shop.
const ENTRIES: &str =
    "SELECT w.option_id, i.item_id, i.store_id, i.name, o.name, i.thumbnail_url, w.quantity, w.added_at,
        o.state, o.currency, o.price, c.available, i.deleted_at
     FROM wishlist_entry w
     JOIN item_option o ON o.option_id = w.option_id
     JOIN stock c ON c.option_id = w.option_id
     JOIN item i ON i.item_id = o.item_id
     WHERE w.customer_id = ?1";

impl FromRow for Entry {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let (state, deleted_at): (OptionState, Option<Moment>) = (row.get(8)?, row.get(12)?);
        let standing = match (deleted_at, state) {
            (Some(_), _) => Standing::ItemGone,
            (None, OptionState::Retired) => Standing::OptionGone,
            (None, OptionState::Active) => Standing::OnOffer { unit_price: money(row, 9)?, available: row.get(11)? },
        };
        Ok(Self {
            option_id: row.get(0)?,
            item_id: row.get(1)?,
            store_id: row.get(2)?,
            item_name: row.get(3)?,
            option_name: row.get(4)?,
            thumbnail_url: row.get(5)?,
            quantity: row.get(6)?,
            added_at: row.get(7)?,
            standing,
        })
    }
}

/// Everything on a customer's list, the latest added first. A list is bounded, and its total needs all of it.
pub(crate) async fn list(tx: &mut Tx, customer_id: AccountId) -> Result<Vec<Entry>, Error> {
    tx.fetch_all(&format!("{ENTRIES} ORDER BY w.added_at DESC, w.option_id DESC"), params![customer_id]).await
}

/// One entry.
pub(crate) async fn find(tx: &mut Tx, whose: (AccountId, OptionId)) -> Result<Option<Entry>, Error> {
    let (customer_id, option_id) = whose;
    tx.fetch_optional(&format!("{ENTRIES} AND w.option_id = ?2"), params![customer_id, option_id]).await
}

/// How many entries a list has.
pub(crate) async fn count(tx: &mut Tx, customer_id: AccountId) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM wishlist_entry WHERE customer_id = ?1";
    let (entries,) = tx.fetch_one(sql, params![customer_id]).await?;
    Ok(entries)
}

/// Puts an option on a list that it is not on.
pub(crate) async fn insert(
    tx: &mut Tx,
    (customer_id, option_id): (AccountId, OptionId),
    quantity: i64,
    now: Moment,
) -> Result<(), Error> {
    tx.send(
        "INSERT INTO wishlist_entry (customer_id, option_id, quantity, added_at) VALUES (?1, ?2, ?3, ?4)",
        params![customer_id, option_id, quantity, now],
    )
    .await
}

/// Sets how many pieces are wished for; false when the option is not on the list.
pub(crate) async fn set_quantity(
    tx: &mut Tx,
    (customer_id, option_id): (AccountId, OptionId),
    quantity: i64,
) -> Result<bool, Error> {
    let set = tx
        .execute(
            "UPDATE wishlist_entry SET quantity = ?3 WHERE customer_id = ?1 AND option_id = ?2",
            params![customer_id, option_id, quantity],
        )
        .await?;
    Ok(set == 1)
}

/// Takes an option off a list; false when it is not on it.
pub(crate) async fn remove(tx: &mut Tx, (customer_id, option_id): (AccountId, OptionId)) -> Result<bool, Error> {
    let sql = "DELETE FROM wishlist_entry WHERE customer_id = ?1 AND option_id = ?2";
    Ok(tx.execute(sql, params![customer_id, option_id]).await? == 1)
}

/// Takes everything off a list, and says how many entries that were.
pub(crate) async fn clear(tx: &mut Tx, customer_id: AccountId) -> Result<u64, Error> {
    tx.execute("DELETE FROM wishlist_entry WHERE customer_id = ?1", params![customer_id]).await
}
