//! The caller's addresses.

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::address::{Address, AddressChange, AddressId, AddressText};
use crate::domain::refusal::UserRefusal;
use crate::shared::Shared;
use crate::store::accounts;
use crate::store::addresses::{self, Place};

/// Adds an address; the first one becomes the default.
///
/// # Errors
/// `ADDRESS_LIMIT`, `ACCOUNT_NOT_FOUND`.
pub(crate) async fn add(
    tx: &mut Tx,
    account_id: AccountId,
    text: AddressText,
    make_default: bool,
    limit: i64,
    now: Moment,
) -> Result<Address, Failure> {
    let Some(count) = addresses::make_room(tx, account_id, limit).await? else {
        let account = accounts::find(tx, account_id).await?;
        account.filter(|account| account.email.is_some()).ok_or(UserRefusal::AccountNotFound)?;
        return Err(UserRefusal::AddressLimit { limit }.into());
    };
    let is_default = make_default || count == 1;
    if is_default {
        addresses::clear_default(tx, account_id).await?;
    }
    let address = Address { address_id: AddressId::generate(), text, is_default, created_at: now };
    addresses::insert(tx, account_id, &address).await?;
    Ok(address)
}

/// Addresses, the default first, then the newest.
///
/// # Errors
/// What the store says.
pub(crate) async fn list(
    shared: &Shared,
    account_id: AccountId,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Address>, Failure> {
    shared.read(async move |tx: &mut Tx| addresses::list(tx, account_id, after, limit).await).await
}

/// Changes what is given of an address.
///
/// # Errors
/// `ADDRESS_NOT_FOUND`.
pub(crate) async fn update(
    shared: &Shared,
    account_id: AccountId,
    address_id: AddressId,
    change: AddressChange,
) -> Result<Address, Failure> {
    shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let updated = addresses::update(tx, account_id, address_id, &change).await?;
            Ok(updated.ok_or(UserRefusal::AddressNotFound)?)
        })
        .await
}

/// Removes an address; when it was the default, the newest of the others takes its place.
///
/// # Errors
/// `ADDRESS_NOT_FOUND`.
pub(crate) async fn remove(shared: &Shared, account_id: AccountId, address_id: AddressId) -> Result<(), Failure> {
    shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let was_default =
                addresses::remove(tx, account_id, address_id).await?.ok_or(UserRefusal::AddressNotFound)?;
            if was_default {
                addresses::promote_newest(tx, account_id).await?;
            }
            Ok(())
        })
        .await
}

/// Makes an address the one that is offered first.
///
/// # Errors
/// `ADDRESS_NOT_FOUND`.
pub(crate) async fn set_default(
    shared: &Shared,
    account_id: AccountId,
    address_id: AddressId,
) -> Result<Address, Failure> {
    shared
        .on_account(account_id, async move |tx: &mut Tx| {
            addresses::clear_default(tx, account_id).await?;
            let address = addresses::set_default(tx, account_id, address_id).await?;
            Ok(address.ok_or(UserRefusal::AddressNotFound)?)
        })
        .await
}
