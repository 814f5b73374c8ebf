//! What a customer would like to have. Each unit locks its customer, so that what it has read holds until it has written.

use bojagi_chassis::CommonRefusal;
use bojagi_kernel::id::{AccountId, OptionId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::refusal::{StockRefusal, WishlistRefusal};
use crate::domain::wishlist::{self as rules, Entry};
use crate::store::{customers, options, wishlists};

/// Adds pieces of an option that is on offer to a list; those that are wished for already add up.
pub(crate) async fn add(
    tx: &mut Tx,
    customer_id: AccountId,
    option_id: OptionId,
    quantity: i64,
    now: Moment,
) -> Result<Entry, Failure> {
    // A token outlives its account by a moment; the entry would outlive it for ever.
    if customers::is_closed(tx, customer_id).await? {
        return Err(CommonRefusal::TokenRevoked.into());
    }
    options::owner(tx, option_id).await?.ok_or(StockRefusal::OptionNotFound { option_id })?;
    let whose = (customer_id, option_id);
    match wishlists::find(tx, whose).await? {
        Some(Entry { quantity: already, .. }) => {
            wishlists::set_quantity(tx, whose, rules::add_up(option_id, already, quantity)?).await?;
        }
        None if wishlists::count(tx, customer_id).await? >= rules::MOST_ENTRIES => {
            return Err(WishlistRefusal::Full { limit: rules::MOST_ENTRIES }.into());
        }
        None => wishlists::insert(tx, whose, quantity, now).await?,
    }
    present(tx, whose).await
}

/// Sets how many pieces of an option are wished for, whether or not it is still on offer.
pub(crate) async fn update(
    tx: &mut Tx,
    customer_id: AccountId,
    option_id: OptionId,
    quantity: i64,
) -> Result<Entry, Failure> {
    let whose = (customer_id, option_id);
    if !wishlists::set_quantity(tx, whose, quantity).await? {
        return Err(WishlistRefusal::EntryNotFound { option_id }.into());
    }
    present(tx, whose).await
}

/// Takes an option off a list.
pub(crate) async fn remove(tx: &mut Tx, customer_id: AccountId, option_id: OptionId) -> Result<(), Failure> {
    if wishlists::remove(tx, (customer_id, option_id)).await? {
        return Ok(());
    }
    Err(WishlistRefusal::EntryNotFound { option_id }.into())
}

/// Removes the list of a customer who has gone, and lets the customer have no other.
pub(crate) async fn end(tx: &mut Tx, customer_id: AccountId, now: Moment) -> Result<(), Failure> {
    customers::close(tx, customer_id, now).await?;
    wishlists::clear(tx, customer_id).await?;
    Ok(())
}

async fn present(tx: &mut Tx, whose: (AccountId, OptionId)) -> Result<Entry, Failure> {
    Ok(wishlists::find(tx, whose).await?.ok_or(bojagi_store::Error::NoRow)?)
}
