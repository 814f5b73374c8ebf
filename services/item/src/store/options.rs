//! Options of items.

use std::collections::HashMap;

use bojagi_kernel::id::{AccountId, ItemId, OptionId, StoreId};
use bojagi_store::{Bind, Error, FromRow, Row, Tx, Value, from_row, params};

use super::{money, window};
use crate::domain::catalogue::without_case;
use crate::domain::options::{ItemOption, OptionDraft, OptionState};

impl FromRow for ItemOption {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            option_id: row.get(0)?,
            name: row.get(1)?,
            price: money(row, 2)?,
            state: row.get(4)?,
            window: window(row, 5)?,
            customer_limit: row.get(7)?,
            available: row.get(8)?,
        })
    }
}

/// An option and the item that it is one of.
struct OfItem(ItemId, ItemOption);

impl FromRow for OfItem {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self(row.get(9)?, ItemOption::from_row(row)?))
    }
}

/// The active options of items with what is available of each, by item, in the seller's order. A row an item.
pub(crate) async fn active_of(
    tx: &mut Tx,
    items: &[Vec<Value<'_>>],
) -> Result<HashMap<ItemId, Vec<ItemOption>>, Error> {
    let options: Vec<OfItem> = tx
        .fetch_many(
            "SELECT o.option_id, o.name, o.currency, o.price, o.state, o.opens_at, o.closes_at, o.customer_limit,
                c.available, o.item_id
             FROM item_option o JOIN stock c ON c.option_id = o.option_id
             WHERE o.item_id IN ({?1}) AND o.state = 'ACTIVE' ORDER BY o.position",
            items,
        )
        .await?;
    // The options of one item come from one statement, so they stay in their order.
    let mut of_items: HashMap<_, Vec<_>> = HashMap::new();
    for OfItem(item_id, option) in options {
        of_items.entry(item_id).or_default().push(option);
    }
    Ok(of_items)
}

/// Retires all active options of an item and answers them.
pub(crate) async fn retire_of(tx: &mut Tx, item_id: ItemId) -> Result<Vec<OptionId>, Error> {
    let retired: Vec<(OptionId,)> = tx
        .fetch_all(
            "UPDATE item_option SET state = 'RETIRED' WHERE item_id = ?1 AND state = 'ACTIVE' RETURNING option_id",
            params![item_id],
        )
        .await?;
    Ok(retired.into_iter().map(|(option_id,)| option_id).collect())
}

/// Retires all active options of the living items of stores, and answers them by item.
pub(crate) async fn retire_of_stores(tx: &mut Tx, stores: &[StoreId]) -> Result<HashMap<ItemId, Vec<OptionId>>, Error> {
    let each: Vec<_> = stores.iter().map(|store_id| vec![store_id.bind()]).collect();
    let retired: Vec<(ItemId, OptionId)> = tx
        .fetch_many(
            "UPDATE item_option SET state = 'RETIRED' WHERE state = 'ACTIVE'
                AND item_id IN (SELECT item_id FROM item WHERE store_id IN ({?1}) AND deleted_at IS NULL)
             RETURNING item_id, option_id",
            &each,
        )
        .await?;
    let mut of_items: HashMap<_, Vec<_>> = HashMap::new();
    for (item_id, option_id) in retired {
        of_items.entry(item_id).or_default().push(option_id);
    }
    Ok(of_items)
}

/// Inserts an active option.
pub(crate) async fn insert(
    tx: &mut Tx,
    (option_id, item_id): (OptionId, ItemId),
    position: i64,
    draft: &OptionDraft,
) -> Result<(), Error> {
    let currency = draft.price.currency();
    tx.send(
        "INSERT INTO item_option (option_id, item_id, position, name, name_key, state, currency, price, opens_at,
            closes_at, customer_limit)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            option_id,
            item_id,
            position,
            draft.name,
            without_case(&draft.name),
            OptionState::Active,
            currency.code(),
            draft.price.minor(),
            draft.window.opens_at,
            draft.window.closes_at,
            draft.customer_limit,
        ],
    )
    .await
}

/// Makes an option what `draft` says, and active.
pub(crate) async fn renew(tx: &mut Tx, option_id: OptionId, position: i64, draft: &OptionDraft) -> Result<(), Error> {
    let currency = draft.price.currency();
    tx.send(
        "UPDATE item_option SET position = ?2, name = ?3, name_key = ?4, state = ?5, currency = ?6, price = ?7,
            opens_at = ?8, closes_at = ?9, customer_limit = ?10
         WHERE option_id = ?1",
        params![
            option_id,
            position,
            draft.name,
            without_case(&draft.name),
            OptionState::Active,
            currency.code(),
            draft.price.minor(),
            draft.window.opens_at,
            draft.window.closes_at,
            draft.customer_limit,
        ],
    )
    .await
}

/// Where an active option belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) item_id: ItemId,
    pub(crate) store_id: StoreId,
    pub(crate) seller_id: AccountId,
}

from_row!(Owner { item_id, store_id, seller_id });

/// Where an option belongs, if it is active.
pub(crate) async fn owner(tx: &mut Tx, option_id: OptionId) -> Result<Option<Owner>, Error> {
    tx.fetch_optional(
        "SELECT i.item_id, i.store_id, i.seller_id FROM item_option o JOIN item i ON i.item_id = o.item_id
         WHERE o.option_id = ?1 AND o.state = 'ACTIVE'",
        params![option_id],
    )
    .await
}
