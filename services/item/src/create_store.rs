//! Opening a store.

use bojagi_chassis::CommonRefusal;
use bojagi_kernel::id::{AccountId, StoreId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::catalogue::Store;
use crate::events::told;
use crate::store::{sellers, stores};

/// Opens a store for a seller. Tokens are not asked about again, so the account may have been closed since the caller's was given.
pub(crate) async fn create_store(
    tx: &mut Tx,
    seller_id: AccountId,
    (name, description): (String, String),
    now: Moment,
) -> Result<Store, Failure> {
    if sellers::is_closed(tx, seller_id).await? {
        return Err(CommonRefusal::TokenRevoked.into());
    }
    let store_id = StoreId::generate();
    let store = Store { store_id, seller_id, name, description, created_at: now, updated_at: now, followers: 0 };
    stores::insert(tx, &store).await?;
    told::store_created(tx, &store, now).await?;
    Ok(store)
}
