//! Stores.

use std::collections::HashMap;

use bojagi_kernel::id::{AccountId, StoreId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Bind, Error, Filter, Tx, Value, containing, from_row, params};

use super::name_taken;
use crate::domain::catalogue::{Store, StoreChange, StoreOrder, StoreSearch, without_case};

const COLUMNS: &str = "store_id, seller_id, name, description, created_at, updated_at, followers";

from_row!(Store { store_id, seller_id, name, description, created_at, updated_at, followers });

pub(crate) async fn insert(tx: &mut Tx, store: &Store) -> Result<(), Failure> {
    let inserted = tx
        .execute(
            "INSERT INTO store (store_id, seller_id, name, name_key, items_created, created_at, updated_at, description,
                description_key)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5, ?6, ?7)",
            params![
                store.store_id,
                store.seller_id,
                store.name,
                without_case(&store.name),
                store.created_at,
                store.description,
                without_case(&store.description),
            ],
        )
        .await;
    inserted.map(drop).map_err(|error| name_taken(error, &store.name))
}

/// A store that is not deleted.
pub(crate) async fn find(tx: &mut Tx, store_id: StoreId) -> Result<Option<Store>, Error> {
    tx.fetch_optional(
        &format!("SELECT {COLUMNS} FROM store WHERE store_id = ?1 AND deleted_at IS NULL"),
        params![store_id],
    )
    .await
}

/// Those of these stores that are not deleted, in their order.
pub(crate) async fn find_all(tx: &mut Tx, store_ids: &[StoreId]) -> Result<Vec<Store>, Error> {
    let each: Vec<_> = store_ids.iter().map(|store_id| vec![store_id.bind()]).collect();
    let sql = format!("SELECT {COLUMNS} FROM store WHERE store_id IN ({{?1}}) AND deleted_at IS NULL");
    let found: Vec<Store> = tx.fetch_many(&sql, &each).await?;
    let mut found: HashMap<_, _> = found.into_iter().map(|store| (store.store_id, store)).collect();
    Ok(store_ids.iter().filter_map(|store_id| found.remove(store_id)).collect())
}

/// Changes a seller's living store; `None` when there is no such one.
pub(crate) async fn update(
    tx: &mut Tx,
    (store_id, seller_id): (StoreId, AccountId),
    change: &StoreChange,
    now: Moment,
) -> Result<Option<Store>, Failure> {
    let updated = tx
        .fetch_optional(
            &format!(
                "UPDATE store SET name = coalesce(?3, name), name_key = coalesce(?4, name_key),
                    description = coalesce(?5, description), description_key = coalesce(?6, description_key), updated_at = ?7
                 WHERE store_id = ?1 AND seller_id = ?2 AND deleted_at IS NULL RETURNING {COLUMNS}"
            ),
            params![
                store_id,
                seller_id,
                change.name,
                change.name.as_deref().map(without_case),
                change.description,
                change.description.as_deref().map(without_case),
                now,
            ],
        )
        .await;
    updated.map_err(|error| name_taken(error, change.name.as_deref().unwrap_or_default()))
}

/// Deletes a seller's living store; false when there is no such one.
pub(crate) async fn delete(
    tx: &mut Tx,
    (store_id, seller_id): (StoreId, AccountId),
    now: Moment,
) -> Result<bool, Error> {
    let deleted = tx
        .execute(
            "UPDATE store SET deleted_at = ?3, updated_at = ?3
             WHERE store_id = ?1 AND seller_id = ?2 AND deleted_at IS NULL",
            params![store_id, seller_id, now],
        )
        .await?;
    Ok(deleted == 1)
}

/// Deletes all living stores of a seller, and answers them.
pub(crate) async fn delete_of(tx: &mut Tx, seller_id: AccountId, now: Moment) -> Result<Vec<StoreId>, Error> {
    let deleted: Vec<(StoreId,)> = tx
        .fetch_all(
            "UPDATE store SET deleted_at = ?2, updated_at = ?2 WHERE seller_id = ?1 AND deleted_at IS NULL
             RETURNING store_id",
            params![seller_id, now],
        )
        .await?;
    Ok(deleted.into_iter().map(|(store_id,)| store_id).collect())
}

/// Counts an item that is being created in a seller's living store; false when there is no such store. From here to the
/// end of the unit the store cannot be deleted.
pub(crate) async fn count_item(tx: &mut Tx, store_id: StoreId, seller_id: AccountId) -> Result<bool, Error> {
    let counted = tx
        .execute(
            "UPDATE store SET items_created = items_created + 1
             WHERE store_id = ?1 AND seller_id = ?2 AND deleted_at IS NULL",
            params![store_id, seller_id],
        )
        .await?;
    Ok(counted == 1)
}

/// Where a page begins: after a store that had these values when the page before was read.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name_key: String,
    pub(crate) created_at: Moment,
    pub(crate) followers: i64,
    pub(crate) store_id: StoreId,
}

impl From<&Store> for Place {
    fn from(store: &Store) -> Self {
        let Store { created_at, followers, store_id, .. } = *store;
        Self { name_key: without_case(&store.name), created_at, followers, store_id }
    }
}

/// Living stores that a search finds, at most `limit`, beginning after `after`.
pub(crate) async fn search(
    tx: &mut Tx,
    search: &StoreSearch,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Store>, Error> {
    let pattern = containing(&without_case(&search.keyword));
    let (sql, values) = search_statement(search, &pattern, after, limit);
    tx.fetch_all(&sql, &values).await
}

fn search_statement<'a>(
    search: &'a StoreSearch,
    pattern: &'a str,
    after: Option<&'a Place>,
    limit: i64,
) -> (String, Vec<Value<'a>>) {
    let mut filter = Filter::new();
    filter.and("deleted_at IS NULL", []);
    if !search.keyword.is_empty() {
        let pattern = Value::Text(pattern);
        filter.and("(name_key LIKE ? ESCAPE '!' OR description_key LIKE ? ESCAPE '!')", [pattern, pattern]);
    }
    filter.and_if("seller_id = ?", search.seller_id.as_ref());
    if let Some(Place { name_key, created_at, followers, store_id }) = after {
        match search.order {
            StoreOrder::Name => filter.and("(name_key, store_id) > (?, ?)", [name_key.bind(), store_id.bind()]),
            StoreOrder::Newest => filter.and("(created_at, store_id) < (?, ?)", [created_at.bind(), store_id.bind()]),
            StoreOrder::Followers => filter.and("(followers, store_id) < (?, ?)", [followers.bind(), store_id.bind()]),
        }
    }
    let order = match search.order {
        StoreOrder::Name => "name_key, store_id",
        StoreOrder::Newest => "created_at DESC, store_id DESC",
        StoreOrder::Followers => "followers DESC, store_id DESC",
    };
    filter.statement(&format!("SELECT {COLUMNS} FROM store"), order, limit)
}

#[cfg(test)]
mod tests;
