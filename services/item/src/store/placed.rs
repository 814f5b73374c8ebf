//! Options by their own ids, with the items and stores that they belong to.

use std::collections::HashMap;

use bojagi_kernel::id::{ItemId, OptionId, StoreId};
use bojagi_store::{Bind, Error, FromRow, Row, Tx};

use crate::domain::options::ItemOption;

/// An option and where it belongs, whether it can be bought or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlacedOption {
    pub(crate) option: ItemOption,
    pub(crate) item_id: ItemId,
    pub(crate) item_name: String,
    pub(crate) store_id: StoreId,
    pub(crate) store_name: String,
    pub(crate) item_deleted: bool,
}

impl FromRow for PlacedOption {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            option: ItemOption::from_row(row)?,
            item_id: row.get(9)?,
            item_name: row.get(10)?,
            store_id: row.get(11)?,
            store_name: row.get(12)?,
            item_deleted: row.get(13)?,
        })
    }
}

/// Those of these options that ever were, in their order.
pub(crate) async fn find_all(tx: &mut Tx, option_ids: &[OptionId]) -> Result<Vec<PlacedOption>, Error> {
    let each: Vec<_> = option_ids.iter().map(|option_id| vec![option_id.bind()]).collect();
    let found: Vec<PlacedOption> = tx
        .fetch_many(
            "SELECT o.option_id, o.name, o.currency, o.price, o.state, o.opens_at, o.closes_at, o.customer_limit,
                c.available, i.item_id, i.name, s.store_id, s.name,
                CASE WHEN i.deleted_at IS NULL THEN FALSE ELSE TRUE END
             FROM item_option o JOIN stock c ON c.option_id = o.option_id JOIN item i ON i.item_id = o.item_id
                JOIN store s ON s.store_id = i.store_id
             WHERE o.option_id IN ({?1})",
            &each,
        )
        .await?;
    let mut found: HashMap<_, _> = found.into_iter().map(|placed| (placed.option.option_id, placed)).collect();
    Ok(option_ids.iter().filter_map(|option_id| found.remove(option_id)).collect())
}
