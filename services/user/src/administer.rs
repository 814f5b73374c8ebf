//! What admins do with accounts.

use bojagi_chassis::Account as Bearer;
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Clock, Failure, Kind, Moment, Refusal};
use bojagi_store::{Store, Tx};

use crate::domain::account::{Account, AccountState};
use crate::domain::refusal::UserRefusal;
use crate::end_sessions::{end_every_session, void_tokens};
use crate::events::{AccountFact, tell_account};
use crate::shared::Shared;
use crate::store::accounts::{self, AccountFilter};

/// Accounts, newest first.
///
/// # Errors
/// What the store says.
pub(crate) async fn list(
    shared: &Shared,
    wanted: AccountFilter,
    after: Option<(Moment, AccountId)>,
    limit: i64,
) -> Result<Vec<Account>, Failure> {
    shared.read(async move |tx: &mut Tx| accounts::list(tx, &wanted, after, limit).await).await
}

/// Shuts an account out and ends its sessions. One that is suspended already is answered unchanged.
///
/// # Errors
/// `ACCOUNT_NOT_FOUND`, `ACCOUNT_CLOSED`, `CANNOT_SUSPEND_SELF`.
pub(crate) async fn suspend(
    shared: &Shared,
    admin: &Bearer,
    account_id: AccountId,
    reason: String,
) -> Result<Account, Failure> {
    if admin.account_id == account_id {
        return Err(UserRefusal::CannotSuspendSelf.into());
    }
    let now = shared.now();
    shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let Some(account) = accounts::suspend(tx, account_id, &reason).await? else {
                return unchanged(tx, account_id).await;
            };
            end_every_session(tx, account_id, now).await?;
            tell_account(tx, AccountFact::Suspended, account_id, account.standing.kind, now).await?;
            Ok(account)
        })
        .await
}

/// Lets a suspended account in again, in the state that it had. One that is not suspended is answered unchanged.
///
/// # Errors
/// `ACCOUNT_NOT_FOUND`, `ACCOUNT_CLOSED`.
pub(crate) async fn reinstate(shared: &Shared, account_id: AccountId) -> Result<Account, Failure> {
    let now = shared.now();
    shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let Some(account) = accounts::reinstate(tx, account_id).await? else {
                return unchanged(tx, account_id).await;
            };
            tell_account(tx, AccountFact::Reinstated, account_id, account.standing.kind, now).await?;
            Ok(account)
        })
        .await
}

async fn unchanged(tx: &mut Tx, account_id: AccountId) -> Result<Account, Failure> {
    let account = accounts::find(tx, account_id).await?.ok_or(UserRefusal::AccountNotFound)?;
    if account.state == AccountState::Closed {
        return Err(UserRefusal::AccountClosed.into());
    }
    Ok(account)
}

/// What came of [`grant_admin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// The account is an admin now. Its tokens are void; the next refresh or sign-in gives it the role.
    Now(AccountId),
    /// It was one before; nothing was changed.
    Before(AccountId),
}

/// Makes the account of an e-mail address an admin. Nobody can ask for this over the network.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is no address, `ACCOUNT_NOT_FOUND` when nobody has it, and what the store says.
pub async fn grant_admin(store: &Store, clock: &dyn Clock, email: &str) -> Result<Granted, Failure> {
    let email: crate::domain::email::EmailAddress = email
        .parse()
        .map_err(|error| Refusal::new("user", Kind::Invalid, "INVALID_ARGUMENT", format!("email: {error}")))?;
    let now = clock.now();
    store
        .write(async move |tx: &mut Tx| {
            if let Some(account_id) = accounts::grant_admin(tx, email.as_str()).await? {
                void_tokens(tx, account_id, now).await?;
                return Ok(Granted::Now(account_id));
            }
            let known = accounts::credentials_by_email(tx, email.as_str()).await?;
            let known = known.ok_or(UserRefusal::AccountNotFound)?;
            Ok(Granted::Before(known.account_id))
        })
        .await
}
