//! Signing up, and proving the address.

use bojagi_kernel::Failure;
use bojagi_kernel::id::AccountId;
use bojagi_store::{LockKey, Tx};

use crate::domain::account::{AccountState, NewAccount};
use crate::domain::email::EmailAddress;
use crate::domain::password::Password;
use crate::domain::refusal::UserRefusal;
use crate::events::{AccountFact, tell_account};
use crate::limits::Origin;
use crate::secret::SecretHash;
use crate::shared::Shared;
use crate::store::accounts::Credentials;
use crate::store::links::LinkPurpose;
use crate::store::mails::Occasion;
use crate::store::{accounts, links, mails};

/// Signs up. Known address or not, the same is done and answered: one hash, the same statements, one commit.
///
/// Two who sign one address up at once both look before either has entered anything, so that they bring hashes with salts of
/// their own even of the same password. So the one who comes second looks and hashes once more, whatever account there is: how
/// long that takes tells nothing about the address either.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`, `OVERLOADED`.
pub(crate) async fn sign_up(
    shared: &Shared,
    origin: &Origin,
    new: NewAccount,
    password: Password,
) -> Result<(), Failure> {
    shared.limits.admit_wish(origin, &new.email, shared.now())?;
    let first = look(shared, &new, &password).await?;
    if !enter(shared, new.clone(), first, IfTouched::Leave).await? {
        let second = look(shared, &new, &password).await?;
        enter(shared, new, second, IfTouched::Enter).await?;
    }
    Ok(())
}

/// Who has the address of a sign-up, and the hash to enter there.
struct Look {
    known: Option<Credentials>,
    password_hash: String,
}

async fn look(shared: &Shared, new: &NewAccount, password: &Password) -> Result<Look, Failure> {
    let address = new.email.clone();
    let known =
        shared.read(async move |tx: &mut Tx| accounts::credentials_by_email(tx, address.as_str()).await).await?;
    let password_hash = hash_of_sign_up(shared, known.as_ref(), password).await?;
    Ok(Look { known, password_hash })
}

/// What to do about an address that somebody signed up, or whose account changed, since it was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfTouched {
    /// Change nothing.
    Leave,
    /// Enter the sign-up all the same; an account that has another hash by now is left without a password.
    Enter,
}

/// Enters a sign-up and queues its mail; false when nothing was changed.
async fn enter(shared: &Shared, new: NewAccount, look: Look, if_touched: IfTouched) -> Result<bool, Failure> {
    let (Look { known, password_hash }, now) = (look, shared.now());
    // One that is there and not verified is changed. Whoever signs the same address up in between has locked the address.
    let account = known.as_ref().map(|known| LockKey::of(known.account_id));
    let locked = account.into_iter().chain([LockKey::named("e-mail", new.email.as_str())]);
    shared
        .store
        .write_locking(locked, async move |tx: &mut Tx| {
            let there = accounts::credentials_by_email(tx, new.email.as_str()).await?;
            if if_touched == IfTouched::Leave && there != known {
                return Ok(false);
            }
            accounts::sign_up(tx, &new, &password_hash, now).await?;
            mails::queue(tx, new.email.as_str(), Occasion::SignUp, now).await?;
            Ok(true)
        })
        .await
}

/// The hash that a sign-up enters: the one that is there if the password has it, so that who signs up twice in the same way
/// keeps the password. It takes one hash in every case, so that the time that it takes tells nobody whether there is an account.
async fn hash_of_sign_up(shared: &Shared, known: Option<&Credentials>, password: &Password) -> Result<String, Failure> {
    let unverified = known.filter(|known| known.state == AccountState::Unverified);
    let Some(hash) = unverified.and_then(Credentials::usable_hash) else {
        return shared.hasher.hash(password.as_str()).await;
    };
    let same = shared.hasher.verify(password.as_str(), Some(hash)).await?;
    Ok(if same { hash.to_owned() } else { String::new() })
}

/// Asks for a new verification link.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`.
pub(crate) async fn resend_verification(shared: &Shared, origin: &Origin, email: EmailAddress) -> Result<(), Failure> {
    queue_link(shared, origin, email, Occasion::Verification).await
}

/// Queues a mail without a look at who has the address.
pub(crate) async fn queue_link(
    shared: &Shared,
    origin: &Origin,
    email: EmailAddress,
    occasion: Occasion,
) -> Result<(), Failure> {
    let now = shared.now();
    shared.limits.admit_wish(origin, &email, now)?;
    let unit = async move |tx: &mut Tx| Ok(mails::queue(tx, email.as_str(), occasion, now).await?);
    shared.store.write_locking([], unit).await
}

/// Whose link it is, as long as it holds.
///
/// # Errors
/// `LINK_INVALID`.
pub(crate) async fn link_owner(shared: &Shared, token: SecretHash, purpose: LinkPurpose) -> Result<AccountId, Failure> {
    let now = shared.now();
    let owner = shared.read(async move |tx: &mut Tx| links::owner(tx, &token, purpose, now).await).await?;
    Ok(owner.ok_or(UserRefusal::LinkInvalid)?)
}

/// Uses a verification link: the account becomes active, with a password if all who signed it up chose the same one.
///
/// # Errors
/// `LINK_INVALID`.
pub(crate) async fn verify_email(shared: &Shared, token: SecretHash) -> Result<AccountId, Failure> {
    let now = shared.now();
    let owner = link_owner(shared, token, LinkPurpose::Verify).await?;
    shared
        .on_account(owner, async move |tx: &mut Tx| {
            let account_id =
                links::take(tx, &token, LinkPurpose::Verify, now).await?.ok_or(UserRefusal::LinkInvalid)?;
            let kind = accounts::verify(tx, account_id, now).await?.ok_or(UserRefusal::LinkInvalid)?;
            tell_account(tx, AccountFact::Verified, account_id, kind, now).await?;
            Ok(account_id)
        })
        .await
}

#[cfg(test)]
mod tests;
