//! Statements on the replica of item prices: a row for each option that is on offer.

use std::collections::HashMap;

use bojagi_kernel::Money;
use bojagi_kernel::id::{ItemId, OptionId};
use bojagi_store::{Bind, Error, FromRow, Row, Tx, params};

use super::columns::read_currency;

struct PriceRow(OptionId, Money);

impl FromRow for PriceRow {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self(row.get(0)?, Money::new(read_currency(row, 1)?, row.get(2)?)))
    }
}

/// The prices of one piece of those of these options that are on offer.
pub(crate) async fn of(tx: &mut Tx, option_ids: &[OptionId]) -> Result<HashMap<OptionId, Money>, Error> {
    let each: Vec<_> = option_ids.iter().map(|option_id| vec![option_id.bind()]).collect();
    let sql = "SELECT option_id, currency, price_minor FROM option_price WHERE option_id IN ({?1})";
    let found: Vec<PriceRow> = tx.fetch_many(sql, &each).await?;
    Ok(found.into_iter().map(|PriceRow(option_id, price)| (option_id, price)).collect())
}

/// Forgets every option of an item.
pub(crate) async fn forget_item(tx: &mut Tx, item_id: ItemId) -> Result<(), Error> {
    tx.send("DELETE FROM option_price WHERE item_id = ?1", params![item_id]).await
}

/// Writes the price of an option that was not known.
pub(crate) async fn insert(tx: &mut Tx, item_id: ItemId, option_id: OptionId, price: Money) -> Result<(), Error> {
    tx.send(
        "INSERT INTO option_price (option_id, item_id, currency, price_minor) VALUES (?1, ?2, ?3, ?4)",
        params![option_id, item_id, price.currency().code(), price.minor()],
    )
    .await
}
