//! Changing a store.

use bojagi_kernel::id::{AccountId, StoreId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::catalogue::{Store, StoreChange};
use crate::domain::refusal::CatalogRefusal;
use crate::events::told;
use crate::store::stores;

/// Changes a seller's own store.
pub(crate) async fn update_store(
    tx: &mut Tx,
    seller_id: AccountId,
    store_id: StoreId,
    change: &StoreChange,
    now: Moment,
) -> Result<Store, Failure> {
    if *change == StoreChange::default() {
        let store = stores::find(tx, store_id).await?.filter(|store| store.seller_id == seller_id);
        return Ok(store.ok_or(CatalogRefusal::StoreNotFound)?);
    }
    let updated = stores::update(tx, (store_id, seller_id), change, now).await?;
    let store = updated.ok_or(CatalogRefusal::StoreNotFound)?;
    told::store_updated(tx, &store, now).await?;
    Ok(store)
}
