//! One's own account: reading, changing and closing it.

use bojagi_chassis::Account as Bearer;
use bojagi_kernel::Failure;
use bojagi_kernel::id::AccountId;
use bojagi_store::Tx;

use crate::domain::account::Account;
use crate::domain::refusal::UserRefusal;
use crate::end_sessions::end_every_session;
use crate::events::{AccountFact, tell_account};
use crate::passwords::{PROOFS, prove};
use crate::shared::Shared;
use crate::store::{accounts, addresses, links, mails, sessions};

/// An account.
///
/// # Errors
/// `ACCOUNT_NOT_FOUND`.
pub(crate) async fn get(shared: &Shared, account_id: AccountId) -> Result<Account, Failure> {
    let found = shared.read(async move |tx: &mut Tx| accounts::find(tx, account_id).await).await?;
    Ok(found.ok_or(UserRefusal::AccountNotFound)?)
}

/// Changes the name or the phone of the caller's account, each if it is given.
///
/// # Errors
/// `ACCOUNT_NOT_FOUND`.
pub(crate) async fn update(
    shared: &Shared,
    caller: &Bearer,
    name: Option<String>,
    phone: Option<String>,
) -> Result<Account, Failure> {
    let account_id = caller.account_id;
    shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let updated = accounts::update(tx, account_id, name.as_deref(), phone.as_deref()).await?;
            Ok(updated.ok_or(UserRefusal::AccountNotFound)?)
        })
        .await
}

/// Closes the caller's account for ever: what is personal is erased, wherever this context keeps it.
///
/// # Errors
/// `WRONG_PASSWORD`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`.
pub(crate) async fn close(shared: &Shared, caller: &Bearer, password: &str) -> Result<(), Failure> {
    for _ in 0..PROOFS {
        let password_hash = prove(shared, caller, password).await?;
        if erase(shared, caller.account_id, password_hash).await? {
            return Ok(());
        }
    }
    Err(UserRefusal::WrongPassword.into())
}

/// Closes an account; false when the hash is not the account's any more.
async fn erase(shared: &Shared, account_id: AccountId, password_hash: String) -> Result<bool, Failure> {
    let now = shared.now();
    shared
        .store
        .write(async move |tx: &mut Tx| {
            let account = accounts::find(tx, account_id).await?.ok_or(UserRefusal::WrongPassword)?;
            let closed = accounts::close(tx, account_id, &password_hash).await?;
            let Some(kind) = closed else { return Ok(false) };
            links::void_all(tx, account_id).await?;
            addresses::remove_all(tx, account_id).await?;
            if let Some(email) = &account.email {
                mails::wipe_all_to(tx, email).await?;
            }
            end_every_session(tx, account_id, now).await?;
            sessions::erase_device_names(tx, account_id).await?;
            tell_account(tx, AccountFact::Closed, account_id, kind, now).await?;
            Ok(true)
        })
        .await
}
