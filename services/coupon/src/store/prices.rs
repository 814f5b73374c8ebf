//! Statements on the replica of item prices: a row for each option that is on offer.

use bojagi_kernel::Money;
use bojagi_kernel::id::{ItemId, OptionId};
use bojagi_store::{Error, FromRow, Row, Tx, params};

use super::columns::read_currency;

struct PriceRow(Money);

impl FromRow for PriceRow {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self(Money::new(read_currency(row, 0)?, row.get(1)?)))
    }
}

/// The price of one piece, if the option is on offer.
pub(crate) async fn find(tx: &mut Tx, option_id: OptionId) -> Result<Option<Money>, Error> {
    let found: Option<PriceRow> = tx
        .fetch_optional("SELECT currency, price_minor FROM option_price WHERE option_id = ?1", params![option_id])
        .await?;
    Ok(found.map(|PriceRow(price)| price))
}

/// Forgets every option of an item.
pub(crate) async fn forget_item(tx: &mut Tx, item_id: ItemId) -> Result<(), Error> {
    tx.execute("DELETE FROM option_price WHERE item_id = ?1", params![item_id]).await?;
    Ok(())
}

/// Writes the price of an option that was not known.
pub(crate) async fn insert(tx: &mut Tx, item_id: ItemId, option_id: OptionId, price: Money) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO option_price (option_id, item_id, currency, price_minor) VALUES (?1, ?2, ?3, ?4)",
        params![option_id, item_id, price.currency().code(), price.minor()],
    )
    .await?;
    Ok(())
}
