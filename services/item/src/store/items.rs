//! Items.

use std::collections::HashMap;

use bojagi_kernel::id::{AccountId, ItemId, StoreId};
use bojagi_kernel::{Failure, Moment, Money};
use bojagi_store::{Bind, Error, FromRow, Row, Tx, params};

use super::options::Owner;
use super::{money, name_taken, options};
use crate::domain::catalogue::{Item, ItemChange, ItemDraft, without_case};

impl FromRow for Item {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            item_id: row.get(0)?,
            store_id: row.get(1)?,
            store_name: row.get(2)?,
            seller_id: row.get(3)?,
            category_id: row.get(4)?,
            category_name: row.get(5)?,
            name: row.get(6)?,
            lowest_price: money(row, 7)?,
            created_at: row.get(9)?,
            updated_at: row.get(10)?,
            thumbnail_url: row.get(11)?,
            description: row.get(12)?,
            hearts: row.get(13)?,
            recently_sold: row.get(14)?,
            options: Vec::new(),
        })
    }
}

/// Inserts an item without its options.
pub(crate) async fn insert(
    tx: &mut Tx,
    (item_id, seller_id): (ItemId, AccountId),
    draft: &ItemDraft,
    lowest_price: Money,
    now: Moment,
) -> Result<(), Failure> {
    let inserted = tx
        .execute(
            "INSERT INTO item (item_id, store_id, seller_id, category_id, name, name_key, currency, lowest_price,
                created_at, updated_at, thumbnail_url, description, description_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12)",
            params![
                item_id,
                draft.store_id,
                seller_id,
                draft.category_id,
                draft.name,
                without_case(&draft.name),
                lowest_price.currency().code(),
                lowest_price.minor(),
                now,
                draft.thumbnail_url,
                draft.description,
                without_case(&draft.description),
            ],
        )
        .await;
    inserted.map(drop).map_err(|error| name_taken(error, &draft.name))
}

/// A living item with its active options.
pub(crate) async fn find(tx: &mut Tx, item_id: ItemId) -> Result<Option<Item>, Error> {
    Ok(find_all(tx, &[item_id]).await?.pop())
}

/// Those of these items that live, in their order, with their active options, all of which are read at once.
pub(crate) async fn find_all(tx: &mut Tx, item_ids: &[ItemId]) -> Result<Vec<Item>, Error> {
    let each: Vec<_> = item_ids.iter().map(|item_id| vec![item_id.bind()]).collect();
    let found: Vec<Item> = tx
        .fetch_many(
            "SELECT i.item_id, i.store_id, s.name, i.seller_id, i.category_id, c.name, i.name, i.currency,
                i.lowest_price, i.created_at, i.updated_at, i.thumbnail_url, i.description, i.hearts,
                i.recently_sold
             FROM item i JOIN store s ON s.store_id = i.store_id JOIN category c ON c.category_id = i.category_id
             WHERE i.item_id IN ({?1}) AND i.deleted_at IS NULL",
            &each,
        )
        .await?;
    let mut options = options::active_of(tx, &each).await?;
    let mut found: HashMap<_, _> = found.into_iter().map(|item| (item.item_id, item)).collect();
    let with_options = |item: Item| Item { options: options.remove(&item.item_id).unwrap_or_default(), ..item };
    Ok(item_ids.iter().filter_map(|item_id| found.remove(item_id)).map(with_options).collect())
}

/// Changes what a seller's living item says of itself; false when there is no such one. Its options are not touched,
/// but `lowest_price` is the price that it shows from now on.
pub(crate) async fn update(
    tx: &mut Tx,
    (item_id, seller_id): (ItemId, AccountId),
    change: &ItemChange,
    lowest_price: Option<Money>,
    now: Moment,
) -> Result<bool, Failure> {
    let currency = lowest_price.map(|price| price.currency().code().to_owned());
    let updated = tx
        .execute(
            "UPDATE item SET category_id = coalesce(?3, category_id), name = coalesce(?4, name),
                name_key = coalesce(?5, name_key), description = coalesce(?6, description),
                description_key = coalesce(?7, description_key), thumbnail_url = coalesce(?8, thumbnail_url),
                currency = coalesce(?9, currency), lowest_price = coalesce(?10, lowest_price), updated_at = ?11
             WHERE item_id = ?1 AND seller_id = ?2 AND deleted_at IS NULL",
            params![
                item_id,
                seller_id,
                change.category_id,
                change.name,
                change.name.as_deref().map(without_case),
                change.description,
                change.description.as_deref().map(without_case),
                change.thumbnail_url,
                currency,
                lowest_price.map(|price| price.minor()),
                now,
            ],
        )
        .await;
    match updated {
        Ok(rows) => Ok(rows == 1),
        Err(error) => Err(name_taken(error, change.name.as_deref().unwrap_or_default())),
    }
}

/// Deletes a seller's living item, and answers the store that it was in; `None` when there is no such item.
pub(crate) async fn delete(
    tx: &mut Tx,
    (item_id, seller_id): (ItemId, AccountId),
    now: Moment,
) -> Result<Option<StoreId>, Error> {
    let deleted: Option<(StoreId,)> = tx
        .fetch_optional(
            "UPDATE item SET deleted_at = ?3, updated_at = ?3, category_id = NULL
             WHERE item_id = ?1 AND seller_id = ?2 AND deleted_at IS NULL RETURNING store_id",
            params![item_id, seller_id, now],
        )
        .await?;
    Ok(deleted.map(|(store_id,)| store_id))
}

/// Deletes all living items of stores, and answers them.
pub(crate) async fn delete_of_stores(tx: &mut Tx, stores: &[StoreId], now: Moment) -> Result<Vec<Owner>, Error> {
    let rows: Vec<_> = stores.iter().map(|store_id| vec![store_id.bind(), now.bind()]).collect();
    tx.fetch_many(
        "UPDATE item SET deleted_at = v.column2, updated_at = v.column2, category_id = NULL
         FROM (VALUES {(?1, ?2)}) AS v WHERE item.store_id = v.column1 AND item.deleted_at IS NULL
         RETURNING item.item_id, item.store_id, item.seller_id",
        &rows,
    )
    .await
}
