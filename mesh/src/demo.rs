//! The sample shop of a first start: accounts, stores, items, coupons and points, made through the public API.
//!
//! It can be cut short at any point and begun again: every creating call carries a `request_id` that is derived from what it
//! creates, passwords are written down before their accounts exist, and a marker says in which shop all of it is there. List and
//! marker are in the data directory and the shop is in the stores, so one may come without the other.

mod accounts;
mod catalogue;
mod coupons;
mod customers;
mod folder;
mod joining;
mod stores;

use std::io;
use std::path::{Path, PathBuf};

use bojagi_api::item::ListCategoriesRequest;
use bojagi_kernel::Failure;
use futures::stream::{self, StreamExt, TryStreamExt};
use tonic::Status;
use uuid::Uuid;

pub use self::accounts::{DemoAccount, DemoAccounts, DemoRole};
use self::folder::DemoFolder;
use crate::client::{GatewayClient, Refused};
use crate::people::{self, JoinError};

/// The namespace of the request ids of the sample shop.
const REQUESTS: Uuid = Uuid::from_u128(0x6f0d_1c53_6a0e_4f6b_9d2c_7b1f_52a8_e4d1);

/// Calls under way at once: enough to fill the commits of the stores, few enough to leave the shop to others.
const SIDE_BY_SIDE: usize = 8;

/// Why the sample shop is not complete. The next start goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A person of the sample shop did not become a member.
    #[error("{email} could not join the sample shop: {cause}")]
    Join {
        /// Who.
        email: String,
        /// Why not.
        cause: JoinError,
    },
    /// The shop has people with these addresses, whose passwords are not in this data directory.
    #[error(
        "the shop has an account {email} already, whose password is not in this data directory; no sample shop is made"
    )]
    Taken {
        /// Whose.
        email: String,
    },
    /// The shop was made before, and is none of the list's: its people may have gone on purpose.
    #[error("nobody of {0} can sign in, and the shop has categories already; it is left as it is")]
    Settled(PathBuf),
    /// The admin was not made one.
    #[error("{email} could not be made an admin of the sample shop: {cause}")]
    Grant {
        /// Who.
        email: String,
        /// Why not.
        cause: Failure,
    },
    /// A part was refused.
    #[error("{what} of the sample shop was refused: {refused}")]
    Refused {
        /// Which part.
        what: String,
        /// What was answered.
        refused: Box<Refused>,
    },
    /// An answer lacks what it has to hold.
    #[error("{0} of the sample shop was answered without it")]
    Incomplete(String),
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The list of accounts was changed while the sample shop was not complete.
    #[error("{path} has no line for {email}; remove the file and the accounts' data, or put the line back")]
    AccountMissing {
        /// The list.
        path: PathBuf,
        /// Whose line is missing.
        email: &'static str,
    },
}

impl DemoError {
    fn refused(what: impl Into<String>) -> impl FnOnce(Status) -> Self {
        let what = what.into();
        move |status| Self::Refused { what, refused: Box::new(Refused::read(&status)) }
    }

    fn join(email: &str, cause: JoinError) -> Self {
        match cause {
            JoinError::Known(email) => Self::Taken { email },
            cause => Self::Join { email: email.to_owned(), cause },
        }
    }

    fn incomplete(what: impl Into<String>) -> impl FnOnce() -> Self {
        let what = what.into();
        move || Self::Incomplete(what)
    }
}

/// Makes the sample shop unless it is there already, and answers its accounts. `data` is the data directory, `mailbox` the folder
/// in which user leaves its mail; `grant_admin` makes the account with an address an admin.
///
/// # Errors
/// See [`DemoError`].
pub async fn ensure(
    gateway: &GatewayClient,
    data: &Path,
    mailbox: &Path,
    grant_admin: impl AsyncFn(&str) -> Result<(), Failure>,
) -> Result<DemoAccounts, DemoError> {
    let folder = DemoFolder::in_data(data);
    if let Some(accounts) = of_complete_shop(gateway, &folder).await? {
        return Ok(accounts);
    }

    let (accounts, begun_before) = folder.accounts_or_new()?;
    let joined = joining::join_all(gateway, mailbox, &accounts, begun_before, grant_admin).await;
    if !begun_before && matches!(&joined, Err(DemoError::Taken { email }) if accounts.is_admin(email)) {
        // The admin joins first, so nobody has joined by this list.
        folder.remove_accounts()?;
    }
    let cast = joined?;
    let (categories, coupons, ()) = tokio::try_join!(
        stores::create_categories(&cast.admin),
        coupons::create(&cast.admin, cast.opened_at),
        customers::prepare_payments(&cast.customers),
    )?;
    tokio::try_join!(
        stores::create_stores(&cast.sellers, &categories, cast.opened_at),
        customers::issue_coupons(&cast.customers, &coupons),
    )?;
    folder.mark_complete(&cast.admin.account.account_id)?;
    Ok(accounts)
}

/// The accounts of a sample shop that was completed once, as far as the data directory says; the stores are not asked.
///
/// # Errors
/// When the marker or the list cannot be read.
pub fn accounts_once_complete(data: &Path) -> Result<Option<DemoAccounts>, DemoError> {
    let folder = DemoFolder::in_data(data);
    folder.marker()?.map(|_| folder.accounts()).transpose()
}

/// The accounts, if all of the sample shop is there: its admin can sign in, and is who the marker says, or cannot by this list,
/// having closed the account or changed its password, and others of the list are there. The stores may be others than those for which the marker was written.
async fn of_complete_shop(gateway: &GatewayClient, folder: &DemoFolder) -> Result<Option<DemoAccounts>, DemoError> {
    let Some(marker) = folder.marker()? else { return Ok(None) };
    let accounts = folder.accounts()?;
    let Some(admin) = accounts.first(DemoRole::Admin) else {
        // The list was removed, and nobody is left to ask.
        return Ok(Some(accounts));
    };
    let complete = match people::sign_in(gateway, &admin.email, &admin.password).await {
        Ok(admin) => marker.is_of(&admin.account.account_id),
        Err(refused) => match refused.reason() {
            // It was begun in these stores, and cut short.
            "EMAIL_NOT_VERIFIED" => false,
            "BAD_CREDENTIALS" => {
                let known = knows_others(gateway, &accounts).await?;
                if !known && has_categories(gateway).await? {
                    return Err(DemoError::Settled(folder.list().to_owned()));
                }
                known
            }
            _ => return Err(DemoError::join(&admin.email, refused)),
        },
    };
    Ok(complete.then_some(accounts))
}

/// Whether somebody of the list, besides the admin, has an account in these stores.
async fn knows_others(gateway: &GatewayClient, accounts: &DemoAccounts) -> Result<bool, DemoError> {
    for account in accounts.list().iter().filter(|account| account.role != DemoRole::Admin) {
        let Err(refused) = people::sign_in(gateway, &account.email, &account.password).await else { return Ok(true) };
        match refused.reason() {
            "BAD_CREDENTIALS" | "EMAIL_NOT_VERIFIED" => {}
            // Said only to who knows the password.
            "ACCOUNT_DORMANT" | "ACCOUNT_SUSPENDED" => return Ok(true),
            _ => return Err(DemoError::join(&account.email, refused)),
        }
    }
    Ok(false)
}

async fn has_categories(gateway: &GatewayClient) -> Result<bool, DemoError> {
    let first = ListCategoriesRequest { page_size: 1, ..Default::default() };
    let answer =
        gateway.catalog().list_categories(first).await.map_err(DemoError::refused("the list of categories"))?;
    Ok(!answer.into_inner().categories.is_empty())
}

/// The request id of the call that creates `label`.
fn request_id(label: &str) -> String {
    Uuid::new_v5(&REQUESTS, label.as_bytes()).to_string()
}

/// Runs the calls side by side, a few at a time, and answers in their order.
async fn side_by_side<T, F>(calls: impl IntoIterator<Item = F>) -> Result<Vec<T>, DemoError>
where
    F: Future<Output = Result<T, DemoError>>,
{
    stream::iter(calls).buffered(SIDE_BY_SIDE).try_collect().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_that_of_its_label() {
        assert_eq!(request_id("category/Tea"), request_id("category/Tea"));
        assert_ne!(request_id("category/Tea"), request_id("category/Coffee"));
    }
}
