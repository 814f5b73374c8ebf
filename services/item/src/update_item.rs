//! Changing an item and its options.

use bojagi_kernel::id::{AccountId, ItemId, OptionId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::create_item::create_option;
use crate::domain::catalogue::{Item, ItemChange};
use crate::domain::options::{self as rules, ItemOption, OptionDraft, OptionState};
use crate::domain::refusal::{CatalogRefusal, StockRefusal};
use crate::events::told;
use crate::store::options::Owner;
use crate::store::{categories, items, limits, options};

/// Changes a seller's own item.
pub(crate) async fn update_item(
    tx: &mut Tx,
    seller_id: AccountId,
    item_id: ItemId,
    change: &ItemChange,
    now: Moment,
) -> Result<Item, Failure> {
    let found = items::find(tx, item_id).await?.filter(|item| item.seller_id == seller_id);
    let before = found.ok_or(CatalogRefusal::ItemNotFound)?;
    if *change == ItemChange::default() {
        return Ok(before);
    }
    if let Some(category_id) = change.category_id
        && !categories::exists(tx, category_id).await?
    {
        return Err(CatalogRefusal::CategoryNotFound.into());
    }
    let lowest_price = change.options.as_deref().and_then(rules::lowest_price);
    if !items::update(tx, (item_id, seller_id), change, lowest_price, now).await? {
        return Err(CatalogRefusal::ItemNotFound.into());
    }
    if let Some(drafts) = &change.options {
        let owner = Owner { item_id, store_id: before.store_id, seller_id };
        replace_options(tx, owner, &before.options, drafts, now).await?;
    }
    let after = items::find(tx, item_id).await?.ok_or(bojagi_store::Error::NoRow)?;
    let is_kept = |option: &&ItemOption| after.options.iter().any(|kept| kept.option_id == option.option_id);
    let gone = before.options.iter().filter(|option| !is_kept(option));
    let retired: Vec<_> = gone.map(|option| ItemOption { state: OptionState::Retired, ..option.clone() }).collect();
    told::item_updated(tx, &after, &retired, now).await?;
    Ok(after)
}

/// Makes `drafts` the options of an item: those named by id keep their stock and what is reserved, others are new.
async fn replace_options(
    tx: &mut Tx,
    owner: Owner,
    before: &[ItemOption],
    drafts: &[OptionDraft],
    now: Moment,
) -> Result<(), Failure> {
    // First all are retired, so that kept options can exchange their names without two active ones sharing any for a moment.
    options::retire_of(tx, owner.item_id).await?;
    for (position, draft) in (0..).zip(drafts) {
        let Some(option_id) = draft.option_id else {
            create_option(tx, owner, position, draft, now).await?;
            continue;
        };
        let kept = before.iter().find(|option| option.option_id == option_id);
        let kept = kept.ok_or(StockRefusal::OptionNotFound { option_id })?;
        options::renew(tx, option_id, position, draft).await?;
        count_for_limit(tx, option_id, kept.customer_limit, draft.customer_limit).await?;
    }
    Ok(())
}

/// Customers are counted exactly while an option has a limit.
async fn count_for_limit(
    tx: &mut Tx,
    option_id: OptionId,
    before: Option<i64>,
    after: Option<i64>,
) -> Result<(), Failure> {
    match (before, after) {
        (None, Some(_)) => limits::begin(tx, option_id).await?,
        (Some(_), None) => limits::end(tx, option_id).await?,
        _ => {}
    }
    Ok(())
}
