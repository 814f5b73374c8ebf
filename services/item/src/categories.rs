//! Adding and removing categories.

use bojagi_kernel::Failure;
use bojagi_store::Tx;

use crate::domain::catalogue::{Category, CategoryId};
use crate::domain::refusal::CatalogRefusal;
use crate::store::categories;

/// Adds a category.
pub(crate) async fn create_category(tx: &mut Tx, name: String) -> Result<Category, Failure> {
    let category = Category { category_id: CategoryId::generate(), name };
    categories::insert(tx, &category).await?;
    Ok(category)
}

/// Removes a category that no item is sorted under.
pub(crate) async fn delete_category(tx: &mut Tx, category_id: CategoryId) -> Result<(), Failure> {
    let items = categories::items_in(tx, category_id).await?;
    if items > 0 {
        return Err(CatalogRefusal::CategoryInUse { items }.into());
    }
    if !categories::delete(tx, category_id).await? {
        return Err(CatalogRefusal::CategoryNotFound.into());
    }
    Ok(())
}
