//! Signing in, and exchanging refresh tokens.

use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, Tx};
use uuid::Uuid;

use crate::domain::account::{Account, Standing};
use crate::domain::email::EmailAddress;
use crate::domain::refusal::UserRefusal;
use crate::end_sessions::{end_session, revoke_sessions};
use crate::limits::Origin;
use crate::secret::{Secret, SecretHash};
use crate::shared::Shared;
use crate::signing::{AccessToken, Bearer};
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
    let SignIn { email, password, device_name } = wish;
    shared.limits.admit_sign_in(origin, &email, shared.now())?;
    let address = email.clone();
    let known = shared.store.read(async move |tx: &mut Tx| accounts::credentials_by_email(tx, address.as_str()).await);
    let known = known.await.map_err(Failure::from)?;
    // Whether or not there is an account, one password is verified.
    let proven = shared.hasher.verify(&password, known.as_ref().map(|known| known.password_hash.as_str())).await;
    // What counts is a password that was judged wrong, not one that found the line full.
    if !matches!(proven, Ok(false)) {
        shared.limits.forgive_sign_in(origin, &email);
    }
    let proven = proven?;
    let known = known.filter(|_| proven).ok_or(UserRefusal::BadCredentials)?;
    known.state.admits()?;

    let (now, config) = (shared.now(), &shared.config);
    let (refresh, refresh_expires_at) = (Secret::generate()?, now + config.refresh_token_life());
    let (token_hash, token_life) = (refresh.hash(), config.access_token_life());
    let kept = i64::from(config.sessions_per_account);
    let (session_id, account_id) = (Uuid::now_v7(), known.account_id);
    let (issued_at, account) = shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let used = accounts::note_use(tx, account_id, Some(&known.password_hash), now).await?;
            let (issued_at, _) = used.ok_or(UserRefusal::BadCredentials)?;
            let account = accounts::find(tx, account_id).await?.ok_or(UserRefusal::BadCredentials)?;
            let session =
                Session { session_id, device_name, created_at: now, last_used_at: now, expires_at: refresh_expires_at };
            sessions::insert(tx, &session, account_id).await?;
            sessions::insert_token(tx, session_id, &token_hash, refresh_expires_at).await?;
            let surplus = sessions::end_surplus(tx, account_id, kept, now).await?;
            revoke_sessions(tx, &surplus, now, token_life).await?;
            Ok::<_, Failure>((issued_at, account))
        })
        .await?;
    let bearer = Bearer { account_id: account.account_id, session_id, standing: account.standing };
    let access = shared.keyring.issue(bearer, issued_at)?;
    Ok((Tokens { session_id, access, refresh, refresh_expires_at }, account))
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
    let (token_hash, token_life) = (refresh.hash(), shared.config.access_token_life());
    let owner: Result<_, Error> =
        shared.store.read(async move |tx: &mut Tx| sessions::owner_of_token(tx, &presented).await).await;
    let account_id = owner?.ok_or(UserRefusal::RefreshTokenInvalid)?;
    // The end of a session whose token was reused has to be committed, so it is an answer of the unit, not an error.
    let exchanged = shared
        .on_account(account_id, async move |tx: &mut Tx| {
            let session_id = match sessions::supersede(tx, &presented, now).await? {
                Presented::Current(session_id) => session_id,
                Presented::Superseded(session_id) => {
                    end_session(tx, session_id, now, token_life).await?;
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
