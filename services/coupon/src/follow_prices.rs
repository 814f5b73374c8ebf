//! The replica of item prices that quotes are computed from.

use bojagi_kernel::id::{ItemId, OptionId};
use bojagi_kernel::{Failure, Money};
use bojagi_store::Tx;

use crate::store::prices;

/// Takes over the options of an item that are on offer, with their prices, in place of those known before.
pub(crate) async fn replace(tx: &mut Tx, item_id: ItemId, offered: &[(OptionId, Money)]) -> Result<(), Failure> {
    prices::forget_item(tx, item_id).await?;
    for (option_id, price) in offered {
        prices::insert(tx, item_id, *option_id, *price).await?;
    }
    Ok(())
}

/// Forgets an item that was taken off the shop.
pub(crate) async fn forget(tx: &mut Tx, item_id: ItemId) -> Result<(), Failure> {
    Ok(prices::forget_item(tx, item_id).await?)
}
