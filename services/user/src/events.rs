//! The facts that user tells. It hears none.

use bojagi_api::user::{self, AccountClosed, AccountReinstated, AccountSuspended, AccountVerified};
use bojagi_events::tell;
use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Error, Tx};

use crate::domain::account::AccountKind;

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountFact {
    Verified,
    Suspended,
    Reinstated,
    Closed,
}

/// Tells a fact in the unit that makes it true.
pub(crate) async fn tell_account(
    tx: &mut Tx,
    fact: AccountFact,
    id: AccountId,
    kind: AccountKind,
    now: Moment,
) -> Result<(), Error> {
    let kind = match kind {
        AccountKind::Customer => user::AccountKind::Customer,
        AccountKind::Seller => user::AccountKind::Seller,
    }
    .into();
    let account_id = id.to_string();
    match fact {
        AccountFact::Verified => tell(tx, id.into(), &AccountVerified { account_id, kind }, now).await?,
        AccountFact::Suspended => tell(tx, id.into(), &AccountSuspended { account_id, kind }, now).await?,
        AccountFact::Reinstated => tell(tx, id.into(), &AccountReinstated { account_id, kind }, now).await?,
        AccountFact::Closed => tell(tx, id.into(), &AccountClosed { account_id, kind }, now).await?,
    };
    Ok(())
}
