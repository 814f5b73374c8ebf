//! Putting an item on offer.

use bojagi_kernel::id::{AccountId, ItemId, OptionId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::catalogue::{Item, ItemDraft};
use crate::domain::options::{self as rules, OptionDraft};
use crate::domain::refusal::CatalogRefusal;
use crate::events::told;
use crate::store::options::Owner;
use crate::store::{categories, items, options, stock, stores};

/// Puts an item with its options and their first stock on offer in a seller's own store.
pub(crate) async fn create_item(
    tx: &mut Tx,
    seller_id: AccountId,
    draft: &ItemDraft,
    now: Moment,
) -> Result<Item, Failure> {
    if !stores::count_item(tx, draft.store_id, seller_id).await? {
        return Err(CatalogRefusal::StoreNotFound.into());
    }
    if !categories::exists(tx, draft.category_id).await? {
        return Err(CatalogRefusal::CategoryNotFound.into());
    }
    let Some(lowest_price) = rules::lowest_price(&draft.options) else {
        return Err(Failure::broken("an item without options passed the checks of its draft"));
    };
    let item_id = ItemId::generate();
    items::insert(tx, (item_id, seller_id), draft, lowest_price, now).await?;
    let owner = Owner { item_id, store_id: draft.store_id, seller_id };
    for (position, option) in (0..).zip(&draft.options) {
        create_option(tx, owner, position, option, now).await?;
    }
    let item = items::find(tx, item_id).await?.ok_or(bojagi_store::Error::NoRow)?;
    told::item_created(tx, &item, now).await?;
    Ok(item)
}

/// Adds an option with its first stock to an item.
pub(crate) async fn create_option(
    tx: &mut Tx,
    owner: Owner,
    position: i64,
    draft: &OptionDraft,
    now: Moment,
) -> Result<(), Failure> {
    let option_id = OptionId::generate();
    options::insert(tx, (option_id, owner.item_id), position, draft).await?;
    let first_stock = stock::insert(tx, option_id, draft.stock).await?;
    told::stock_adjusted(tx, owner, draft.stock, &first_stock, now).await?;
    Ok(())
}
