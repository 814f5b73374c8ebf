//! Categories.

use bojagi_kernel::Failure;
use bojagi_store::{Error, Tx, from_row, params};

use super::name_taken;
use crate::domain::catalogue::{Category, CategoryId, without_case};

from_row!(Category { category_id, name });

pub(crate) async fn insert(tx: &mut Tx, category: &Category) -> Result<(), Failure> {
    let inserted = tx
        .execute(
            "INSERT INTO category (category_id, name, name_key) VALUES (?1, ?2, ?3)",
            params![category.category_id, category.name, without_case(&category.name)],
        )
        .await;
    inserted.map(drop).map_err(|error| name_taken(error, &category.name))
}

/// How many living items are sorted under a category.
pub(crate) async fn items_in(tx: &mut Tx, category_id: CategoryId) -> Result<i64, Error> {
    let (items,) = tx.fetch_one("SELECT count(*) FROM item WHERE category_id = ?1", params![category_id]).await?;
    Ok(items)
}

/// Removes a category that no item is sorted under, which the foreign key makes sure of; false when there is none.
pub(crate) async fn delete(tx: &mut Tx, category_id: CategoryId) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM category WHERE category_id = ?1", params![category_id]).await? == 1)
}

pub(crate) async fn exists(tx: &mut Tx, category_id: CategoryId) -> Result<bool, Error> {
    let found: Option<(i64,)> =
        tx.fetch_optional("SELECT 1 FROM category WHERE category_id = ?1", params![category_id]).await?;
    Ok(found.is_some())
}

/// Categories by name, at most `limit`, beginning after the one whose name is `after`; empty for the first page.
pub(crate) async fn list(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Category>, Error> {
    tx.fetch_all(
        "SELECT category_id, name FROM category WHERE name_key > ?1 ORDER BY name_key LIMIT ?2",
        params![without_case(after), limit],
    )
    .await
}
