//! Taking stores off the shop, with everything they offer.

use bojagi_kernel::id::{AccountId, StoreId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::delete_item::delete_item;
use crate::domain::refusal::CatalogRefusal;
use crate::events::told;
use crate::store::{items, stores};

/// Deletes a seller's own store and its items. What orders hold of them runs to its end.
pub(crate) async fn delete_store(
    tx: &mut Tx,
    seller_id: AccountId,
    store_id: StoreId,
    now: Moment,
) -> Result<(), Failure> {
    if !stores::delete(tx, (store_id, seller_id), now).await? {
        return Err(CatalogRefusal::StoreNotFound.into());
    }
    for (item_id,) in items::living_of_store(tx, store_id).await? {
        delete_item(tx, seller_id, item_id, now).await?;
    }
    told::store_deleted(tx, store_id, seller_id, now).await?;
    Ok(())
}

/// Deletes every store of a seller who has gone.
pub(crate) async fn delete_stores_of(tx: &mut Tx, seller_id: AccountId, now: Moment) -> Result<(), Failure> {
    for (store_id,) in stores::living_of_seller(tx, seller_id).await? {
        delete_store(tx, seller_id, store_id, now).await?;
    }
    Ok(())
}
