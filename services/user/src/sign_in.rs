//! Signing in, and exchanging refresh tokens.

use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;
use uuid::Uuid;

use crate::domain::account::{Account, Standing};
use crate::domain::email::EmailAddress;
use crate::domain::refusal::UserRefusal;
use crate::end_sessions::{end_session, revoke_sessions};
use crate::limits::{Attempt, Origin};
use crate::passwords::PROOFS;
use crate::secret::{Secret, SecretHash};
use crate::shared::Shared;
use crate::signing::{AccessToken, Bearer};
use crate::store::accounts::Credentials;
use crate::store::sessions::{Presented, Session};
use crate::store::{accounts, sessions};

/// The tokens of a session.
pub(crate) struct Tokens {
    pub(crate) session_id: Uuid,
    pub(crate) access: AccessToken,
    pub(crate) refresh: Secret,
    pub(crate) refresh_expires_at: Moment,
}

/// The wish to sign in.
pub(crate) struct SignIn {
    pub(crate) email: EmailAddress,
    pub(crate) password: String,
    pub(crate) device_name: String,
}

/// Begins a session.
///
/// # Errors
/// `BAD_CREDENTIALS`; `EMAIL_NOT_VERIFIED`, `ACCOUNT_DORMANT` and `ACCOUNT_SUSPENDED` to who knows the password;
/// `TOO_MANY_ATTEMPTS`, `OVERLOADED`.
pub(crate) async fn sign_in(shared: &Shared, origin: &Origin, wish: SignIn) -> Result<(Tokens, Account), Failure> {
    for _ in 0..PROOFS {
        let known = prove(shared, origin, &wish).await?;
        known.state.admits()?;
        let renewed_hash = renewed_hash(shared, &known, &wish.password).await;
        if let Some(begun) = begin_session(shared, known, renewed_hash, wish.device_name.clone()).await? {
            return Ok(begun);
        }
    }
    Err(UserRefusal::BadCredentials.into())
}

/// Whose password it is. Whether or not there is an account, one password is verified.
async fn prove(shared: &Shared, origin: &Origin, wish: &SignIn) -> Result<Credentials, Failure> {
    let mut attempt = shared.limits.admit_sign_in(origin, &wish.email, shared.now())?;
    let proven = judge(shared, wish, &mut attempt).await;
    attempt.judged(proven.as_ref().is_ok_and(Option::is_none));
    Ok(proven?.ok_or(UserRefusal::BadCredentials)?)
}

async fn judge(shared: &Shared, wish: &SignIn, attempt: &mut Attempt<'_>) -> Result<Option<Credentials>, Failure> {
    let email = wish.email.clone();
    let known = shared.read(async move |tx: &mut Tx| accounts::credentials_by_email(tx, email.as_str()).await).await?;
    let hash = known.as_ref().and_then(Credentials::usable_hash);
    attempt.judge();
    let proven = shared.hasher.verify(&wish.password, hash).await?;
    Ok(known.filter(|_| proven))
}

/// The hash of a proven password as it is configured now, if it was hashed otherwise. Where that fails, a later sign-in does it.
async fn renewed_hash(shared: &Shared, known: &Credentials, password: &str) -> Option<String> {
    if !shared.hasher.would_hash_otherwise(&known.password_hash) {
        return None;
    }
    let renewed = shared.hasher.hash(password).await;
    renewed
        .inspect_err(|failure| {
            tracing::warn!(account_id = %known.account_id, %failure, "a password could not be hashed anew");
        })
        .ok()
}

/// Begins a session of an account that still has the hash that was proven, and keeps the renewed one, if there is one; `None`
/// when it has another.
async fn begin_session(
    shared: &Shared,
    known: Credentials,
    renewed_hash: Option<String>,
    device_name: String,
) -> Result<Option<(Tokens, Account)>, Failure> {
    let (now, config) = (shared.now(), &shared.config);
    let (refresh, refresh_expires_at) = (Secret::generate()?, now + config.refresh_token_life());
    let (token_hash, kept) = (refresh.hash(), i64::from(config.sessions_per_account));
    let (session_id, Credentials { account_id, password_hash, .. }) = (Uuid::now_v7(), known);
    let begun = shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let used = accounts::note_use(tx, account_id, Some(&password_hash), now).await?;
            let Some((issued_at, _)) = used else { return Ok(None) };
            if let Some(renewed_hash) = renewed_hash {
                accounts::set_password(tx, account_id, Some(&password_hash), &renewed_hash).await?;
            }
            let account = accounts::find(tx, account_id).await?.ok_or(UserRefusal::BadCredentials)?;
            let session =
                Session { session_id, device_name, created_at: now, last_used_at: now, expires_at: refresh_expires_at };
            sessions::insert(tx, &session, account_id).await?;
            sessions::insert_token(tx, session_id, &token_hash, refresh_expires_at).await?;
            let surplus = sessions::end_surplus(tx, account_id, kept, now).await?;
            revoke_sessions(tx, &surplus, now).await?;
            Ok(Some((issued_at, account)))
        })
        .await?;
    let Some((issued_at, account)) = begun else { return Ok(None) };
    let bearer = Bearer { account_id: account.account_id, session_id, standing: account.standing };
    let access = shared.keyring.issue(bearer, issued_at)?;
    Ok(Some((Tokens { session_id, access, refresh, refresh_expires_at }, account)))
}

/// What came of a refresh token.
enum Exchanged {
    /// New tokens may be issued.
    For { session_id: Uuid, standing: Standing, issued_at: Moment },
    /// It was used before: somebody has a copy, and the session is over for everybody.
    Reused(Uuid),
    /// It does not hold.
    Invalid,
}

/// Exchanges a refresh token for new tokens.
///
/// # Errors
/// `REFRESH_TOKEN_INVALID`.
pub(crate) async fn refresh(shared: &Shared, presented: SecretHash) -> Result<Tokens, Failure> {
    let now = shared.now();
    let (refresh, refresh_expires_at) = (Secret::generate()?, now + shared.config.refresh_token_life());
    let token_hash = refresh.hash();
    let owner = shared.read(async move |tx: &mut Tx| sessions::owner_of_token(tx, &presented).await).await?;
    let account_id = owner.ok_or(UserRefusal::RefreshTokenInvalid)?;
    // The end of a session whose token was reused has to be committed, so it is an answer of the unit, not an error.
    let exchanged = shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let session_id = match sessions::supersede(tx, &presented, now).await? {
                Presented::Current(session_id) => session_id,
                Presented::Superseded(session_id) => {
                    end_session(tx, session_id, now).await?;
                    return Ok(Exchanged::Reused(session_id));
                }
                Presented::Unknown => return Ok(Exchanged::Invalid),
            };
            if !sessions::note_use(tx, session_id, now, refresh_expires_at).await? {
                return Ok(Exchanged::Invalid);
            }
            let Some((issued_at, standing)) = accounts::note_use(tx, account_id, None, now).await? else {
                return Ok(Exchanged::Invalid);
            };
            sessions::insert_token(tx, session_id, &token_hash, refresh_expires_at).await?;
            Ok(Exchanged::For { session_id, standing, issued_at })
        })
        .await?;
    match exchanged {
        Exchanged::For { session_id, standing, issued_at } => {
            let access = shared.keyring.issue(Bearer { account_id, session_id, standing }, issued_at)?;
            Ok(Tokens { session_id, access, refresh, refresh_expires_at })
        }
        Exchanged::Reused(session_id) => {
            tracing::warn!(%session_id, "a refresh token was used twice; its session has ended");
            Err(UserRefusal::RefreshTokenInvalid.into())
        }
        Exchanged::Invalid => Err(UserRefusal::RefreshTokenInvalid.into()),
    }
}

#[cfg(test)]
mod tests;
