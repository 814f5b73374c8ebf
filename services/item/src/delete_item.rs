//! Taking an item off the shop.

use bojagi_kernel::id::{AccountId, ItemId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::refusal::CatalogRefusal;
use crate::events::told;
use crate::store::options::Owner;
use crate::store::{items, options};

/// Deletes a seller's own item. Its options are retired; what orders hold of them runs to its end.
pub(crate) async fn delete_item(
    tx: &mut Tx,
    seller_id: AccountId,
    item_id: ItemId,
    now: Moment,
) -> Result<(), Failure> {
    let store_id = items::delete(tx, (item_id, seller_id), now).await?.ok_or(CatalogRefusal::ItemNotFound)?;
    let retired = options::retire_of(tx, item_id).await?;
    told::items_deleted(tx, [(Owner { item_id, store_id, seller_id }, retired)], now).await?;
    Ok(())
}
