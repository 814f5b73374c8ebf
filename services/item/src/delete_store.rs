//! Taking stores off the shop, with everything they offer.

use bojagi_kernel::id::{AccountId, StoreId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::refusal::CatalogRefusal;
use crate::events::told;
use crate::store::{items, options, sellers, stores};

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
    clear_out(tx, seller_id, &[store_id], now).await
}

/// Deletes every store of a seller who has gone, and lets the seller open no other.
pub(crate) async fn delete_stores_of(tx: &mut Tx, seller_id: AccountId, now: Moment) -> Result<(), Failure> {
    sellers::close(tx, seller_id, now).await?;
    let deleted = stores::delete_of(tx, seller_id, now).await?;
    clear_out(tx, seller_id, &deleted, now).await
}

/// Deletes what deleted stores have offered, and tells all of it. A store may have thousands of items, and everybody waits for
/// this unit, so it takes the same few statements for any number.
async fn clear_out(tx: &mut Tx, seller_id: AccountId, stores: &[StoreId], now: Moment) -> Result<(), Failure> {
    // The options come first, because they are found by the items that live.
    let mut retired = options::retire_of_stores(tx, stores).await?;
    let mut items = items::delete_of_stores(tx, stores, now).await?;
    items.sort_unstable_by_key(|item| item.item_id);
    let items = items.into_iter().map(|item| (item, retired.remove(&item.item_id).unwrap_or_default()));
    told::items_deleted(tx, items, now).await?;
    told::stores_deleted(tx, seller_id, stores, now).await?;
    Ok(())
}
