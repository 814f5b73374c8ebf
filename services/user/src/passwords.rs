//! Setting a new password: by a link from a mail, or by the old one.

use bojagi_chassis::Account as Bearer;
use bojagi_kernel::Failure;
use bojagi_store::Tx;

use crate::domain::email::EmailAddress;
use crate::domain::password::Password;
use crate::domain::refusal::UserRefusal;
use crate::end_sessions::{end_every_session, revoke_sessions};
use crate::limits::{Attempt, Origin};
use crate::secret::SecretHash;
use crate::shared::Shared;
use crate::sign_up::{link_owner, queue_link};
use crate::store::links::LinkPurpose;
use crate::store::mails::Occasion;
use crate::store::{accounts, links, sessions};

/// How often a password is proven for one thing at most. An account that has another hash by the time the proof is used may have
/// the same password all the same, hashed anew by a sign-in.
pub(crate) const PROOFS: usize = 2;

/// Asks for a link that sets a new password.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`.
pub(crate) async fn request_reset(shared: &Shared, origin: &Origin, email: EmailAddress) -> Result<(), Failure> {
    queue_link(shared, origin, email, Occasion::Reset).await
}

/// Sets a new password by a link, and ends every session.
///
/// # Errors
/// `LINK_INVALID`, `OVERLOADED`.
pub(crate) async fn reset(shared: &Shared, token: SecretHash, password: Password) -> Result<(), Failure> {
    let now = shared.now();
    // Looked at before the hash, so that made-up links cost nobody a turn; used after it.
    let owner = link_owner(shared, token, LinkPurpose::Reset).await?;
    let password_hash = shared.hasher.hash(password.as_str()).await?;
    shared
        .on_account(owner, async move |tx: &mut Tx| {
            let account_id = links::take(tx, &token, LinkPurpose::Reset, now).await?.ok_or(UserRefusal::LinkInvalid)?;
            if !accounts::set_password(tx, account_id, None, &password_hash).await? {
                return Err(UserRefusal::LinkInvalid.into());
            }
            end_every_session(tx, account_id, now).await
        })
        .await
}

/// Replaces the caller's password, and ends the caller's other sessions.
///
/// # Errors
/// `WRONG_PASSWORD`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`.
pub(crate) async fn change(shared: &Shared, caller: &Bearer, current: &str, new: Password) -> Result<(), Failure> {
    for _ in 0..PROOFS {
        let old_hash = prove(shared, caller, current).await?;
        let new_hash = shared.hasher.hash(new.as_str()).await?;
        if replace(shared, caller, old_hash, new_hash).await? {
            return Ok(());
        }
    }
    Err(UserRefusal::WrongPassword.into())
}

/// Replaces a hash; false when it is not the account's any more.
async fn replace(shared: &Shared, caller: &Bearer, old_hash: String, new_hash: String) -> Result<bool, Failure> {
    let (account_id, session_id, now) = (caller.account_id, caller.session_id, shared.now());
    shared
        .on_account(account_id, async move |tx: &mut Tx| {
            if !accounts::set_password(tx, account_id, Some(&old_hash), &new_hash).await? {
                return Ok(false);
            }
            links::void_all(tx, account_id).await?;
            let ended = sessions::end_others(tx, account_id, session_id, now).await?;
            revoke_sessions(tx, &ended, now).await?;
            Ok(true)
        })
        .await
}

/// Lets the caller prove to be the owner by the password; answers its hash, which must not have changed when the proof is
/// used.
///
/// # Errors
/// `WRONG_PASSWORD`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`.
pub(crate) async fn prove(shared: &Shared, caller: &Bearer, password: &str) -> Result<String, Failure> {
    let mut attempt = shared.limits.admit_proof(caller.session_id, shared.now())?;
    let proven_hash = judge(shared, caller, password, &mut attempt).await;
    attempt.judged(proven_hash.as_ref().is_ok_and(Option::is_none));
    Ok(proven_hash?.ok_or(UserRefusal::WrongPassword)?)
}

async fn judge(
    shared: &Shared,
    caller: &Bearer,
    password: &str,
    attempt: &mut Attempt<'_>,
) -> Result<Option<String>, Failure> {
    let account_id = caller.account_id;
    let known = shared.read(async move |tx: &mut Tx| accounts::credentials(tx, account_id).await).await?;
    let known = known.ok_or(UserRefusal::AccountNotFound)?;
    attempt.judge();
    let proven = shared.hasher.verify(password, known.usable_hash()).await?;
    Ok(proven.then_some(known.password_hash))
}

#[cfg(test)]
mod tests;
