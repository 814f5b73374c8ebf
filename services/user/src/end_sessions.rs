//! The end of sessions: by their owner, or by what befalls the account.

use std::time::Duration;

use bojagi_chassis::Account as Bearer;
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;
use uuid::Uuid;

use crate::config::LONGEST_ACCESS_TOKEN_MINUTES;
use crate::domain::refusal::UserRefusal;
use crate::shared::Shared;
use crate::signing::CLOCK_DIFFERENCE;
use crate::store::revocations::{self, Voided};
use crate::store::sessions::Session;
use crate::store::{accounts, sessions};

/// Ends the calling session.
///
/// # Errors
/// What the store says.
pub(crate) async fn sign_out(shared: &Shared, caller: &Bearer) -> Result<(), Failure> {
    let (session_id, now) = (caller.session_id, shared.now());
    let unit = async move |tx: &mut Tx| end_session(tx, session_id, now).await;
    shared.on_account(caller.account_id, unit).await
}

/// Ends one of the caller's sessions; one that has ended already is no mistake.
///
/// # Errors
/// `SESSION_NOT_FOUND`, also for a session of somebody else.
pub(crate) async fn revoke(shared: &Shared, caller: &Bearer, session_id: Uuid) -> Result<(), Failure> {
    let (account_id, now) = (caller.account_id, shared.now());
    shared
        .on_account(account_id, async move |tx: &mut Tx| {
            if !sessions::belongs(tx, session_id, account_id).await? {
                return Err(UserRefusal::SessionNotFound.into());
            }
            end_session(tx, session_id, now).await
        })
        .await
}

/// The caller's sessions that have not ended, last used first.
///
/// # Errors
/// What the store says.
pub(crate) async fn list(
    shared: &Shared,
    caller: &Bearer,
    after: Option<(Moment, Uuid)>,
    limit: i64,
) -> Result<Vec<Session>, Failure> {
    let (account_id, now) = (caller.account_id, shared.now());
    shared.read(async move |tx: &mut Tx| sessions::list(tx, account_id, now, after, limit).await).await
}

/// Ends a session, if it has not ended, and voids its tokens.
pub(crate) async fn end_session(tx: &mut Tx, session_id: Uuid, now: Moment) -> Result<(), Failure> {
    if sessions::end(tx, session_id, now).await? {
        revoke_sessions(tx, &[session_id], now).await?;
    }
    Ok(())
}

/// Voids the tokens of sessions that have ended.
pub(crate) async fn revoke_sessions(tx: &mut Tx, ended: &[Uuid], now: Moment) -> Result<(), Failure> {
    for session_id in ended {
        revocations::insert(tx, Voided::Session(*session_id), matters_until(now)).await?;
    }
    Ok(())
}

/// Ends every session of an account and voids all its tokens.
pub(crate) async fn end_every_session(tx: &mut Tx, account_id: AccountId, now: Moment) -> Result<(), Failure> {
    sessions::end_all(tx, account_id, now).await?;
    void_tokens(tx, account_id, now).await
}

/// Voids all tokens of an account; its sessions go on, and their next tokens say what holds then.
pub(crate) async fn void_tokens(tx: &mut Tx, account_id: AccountId, now: Moment) -> Result<(), Failure> {
    let issued_before = accounts::void_tokens(tx, account_id, now).await?;
    revocations::insert(tx, Voided::Account { account_id, issued_before }, matters_until(now)).await?;
    Ok(())
}

/// Until when a token that was issued before now could be shown, were it not void: however long tokens hold at present, or held
/// in the process that issued it.
fn matters_until(now: Moment) -> Moment {
    now + Duration::from_secs(u64::from(LONGEST_ACCESS_TOKEN_MINUTES) * 60) + CLOCK_DIFFERENCE
}
