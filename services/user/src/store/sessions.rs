//! Sessions and their refresh tokens.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Bind, Error, Filter, Tx, Value, params};
use uuid::Uuid;

use crate::secret::SecretHash;

/// A session that has not ended, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) session_id: Uuid,
    pub(crate) device_name: String,
    pub(crate) created_at: Moment,
    pub(crate) last_used_at: Moment,
    pub(crate) expires_at: Moment,
}

bojagi_store::from_row!(Session { session_id, device_name, created_at, last_used_at, expires_at });

// What is asked of the sessions of an account says `ended_at IS NULL` in so many words: that is what leads to `session_live`,
// without which an account that is signed in often, and out again, has all its past read each time.
const END_ALL: &str = "UPDATE session SET ended_at = ?2 WHERE account_id = ?1 AND ended_at IS NULL";
const END_OTHERS: &str = "UPDATE session SET ended_at = ?3
    WHERE account_id = ?1 AND ended_at IS NULL AND session_id <> ?2 RETURNING session_id";
const END_SURPLUS: &str = "UPDATE session SET ended_at = ?3 WHERE session_id IN
        (SELECT session_id FROM session WHERE account_id = ?1 AND ended_at IS NULL AND expires_at > ?3
         ORDER BY last_used_at DESC, session_id DESC LIMIT 1000 OFFSET ?2)
    RETURNING session_id";

/// What a refresh token turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presented {
    /// The token of this session that was answered last; it is superseded now.
    Current(Uuid),
    /// A token of this session that was exchanged before.
    Superseded(Uuid),
    /// No token that holds.
    Unknown,
}

pub(crate) async fn insert(tx: &mut Tx, session: &Session, account_id: AccountId) -> Result<(), Error> {
    tx.send(
        "INSERT INTO session (session_id, account_id, device_name, created_at, last_used_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            session.session_id,
            account_id,
            session.device_name,
            session.created_at,
            session.last_used_at,
            session.expires_at
        ],
    )
    .await
}

pub(crate) async fn insert_token(
    tx: &mut Tx,
    session_id: Uuid,
    token: &SecretHash,
    expires_at: Moment,
) -> Result<(), Error> {
    tx.send(
        "INSERT INTO refresh_token (token_hash, session_id, expires_at) VALUES (?1, ?2, ?3)",
        params![token.as_bytes(), session_id, expires_at],
    )
    .await
}

/// Whose token it is, if it is one that was given out and has not been forgotten.
pub(crate) async fn owner_of_token(tx: &mut Tx, token: &SecretHash) -> Result<Option<AccountId>, Error> {
    let owner: Option<(AccountId,)> = tx
        .fetch_optional(
            "SELECT s.account_id FROM refresh_token t JOIN session s ON s.session_id = t.session_id
             WHERE t.token_hash = ?1",
            params![token.as_bytes()],
        )
        .await?;
    Ok(owner.map(|(account_id,)| account_id))
}

/// Exchanges a token: of any number of attempts with the same one, exactly one finds it current.
pub(crate) async fn supersede(tx: &mut Tx, token: &SecretHash, now: Moment) -> Result<Presented, Error> {
    let current: Option<(Uuid,)> = tx
        .fetch_optional(
            "UPDATE refresh_token SET superseded_at = ?2
             WHERE token_hash = ?1 AND superseded_at IS NULL AND expires_at > ?2 RETURNING session_id",
            params![token.as_bytes(), now],
        )
        .await?;
    if let Some((session_id,)) = current {
        return Ok(Presented::Current(session_id));
    }
    let superseded: Option<(Uuid,)> = tx
        .fetch_optional(
            "SELECT session_id FROM refresh_token WHERE token_hash = ?1 AND superseded_at IS NOT NULL",
            params![token.as_bytes()],
        )
        .await?;
    Ok(superseded.map_or(Presented::Unknown, |(session_id,)| Presented::Superseded(session_id)))
}

/// Notes the use of a session; false when it has ended.
pub(crate) async fn note_use(tx: &mut Tx, session_id: Uuid, now: Moment, expires_at: Moment) -> Result<bool, Error> {
    let sql = "UPDATE session SET last_used_at = ?2, expires_at = ?3 WHERE session_id = ?1 AND ended_at IS NULL";
    Ok(tx.execute(sql, params![session_id, now, expires_at]).await? > 0)
}

/// Ends a session; false when it has ended before.
pub(crate) async fn end(tx: &mut Tx, session_id: Uuid, now: Moment) -> Result<bool, Error> {
    let sql = "UPDATE session SET ended_at = ?2 WHERE session_id = ?1 AND ended_at IS NULL";
    Ok(tx.execute(sql, params![session_id, now]).await? > 0)
}

/// Ends every session of an account.
pub(crate) async fn end_all(tx: &mut Tx, account_id: AccountId, now: Moment) -> Result<(), Error> {
    tx.send(END_ALL, params![account_id, now]).await
}

/// Ends every session of an account but one; answers which.
pub(crate) async fn end_others(
    tx: &mut Tx,
    account_id: AccountId,
    kept: Uuid,
    now: Moment,
) -> Result<Vec<Uuid>, Error> {
    let ended: Vec<(Uuid,)> = tx.fetch_all(END_OTHERS, params![account_id, kept, now]).await?;
    Ok(ended.into_iter().map(|(session_id,)| session_id).collect())
}

/// Ends the sessions of an account that were used least recently, so that `kept` are left; answers which.
pub(crate) async fn end_surplus(
    tx: &mut Tx,
    account_id: AccountId,
    kept: i64,
    now: Moment,
) -> Result<Vec<Uuid>, Error> {
    let ended: Vec<(Uuid,)> = tx.fetch_all(END_SURPLUS, params![account_id, kept, now]).await?;
    Ok(ended.into_iter().map(|(session_id,)| session_id).collect())
}

/// Whether the account has, or had, the session.
pub(crate) async fn belongs(tx: &mut Tx, session_id: Uuid, account_id: AccountId) -> Result<bool, Error> {
    let sql = "SELECT count(*) FROM session WHERE session_id = ?1 AND account_id = ?2";
    let (count,): (i64,) = tx.fetch_one(sql, params![session_id, account_id]).await?;
    Ok(count > 0)
}

/// Sessions of an account that have not ended, after `after`, last used first.
pub(crate) async fn list(
    tx: &mut Tx,
    account_id: AccountId,
    now: Moment,
    after: Option<(Moment, Uuid)>,
    limit: i64,
) -> Result<Vec<Session>, Error> {
    let (sql, params) = page(&account_id, &now, after.as_ref(), limit);
    tx.fetch_all(&sql, &params).await
}

fn page<'a>(
    account_id: &'a AccountId,
    now: &'a Moment,
    after: Option<&'a (Moment, Uuid)>,
    limit: i64,
) -> (String, Vec<Value<'a>>) {
    let mut filter = Filter::new();
    filter.and("account_id = ? AND ended_at IS NULL AND expires_at > ?", [account_id.bind(), now.bind()]);
    if let Some((last_used_at, session_id)) = after {
        filter.and("(last_used_at, session_id) < (?, ?)", [last_used_at.bind(), session_id.bind()]);
    }
    let columns = "SELECT session_id, device_name, created_at, last_used_at, expires_at FROM session";
    filter.statement(columns, "last_used_at DESC, session_id DESC", limit)
}

/// Erases the names of devices of an account that is closed.
pub(crate) async fn erase_device_names(tx: &mut Tx, account_id: AccountId) -> Result<(), Error> {
    tx.send("UPDATE session SET device_name = '' WHERE account_id = ?1", params![account_id]).await
}

/// Forgets tokens and sessions that expired before `before`, at most `limit` of each; says how many.
pub(crate) async fn forget(tx: &mut Tx, before: Moment, limit: i64) -> Result<u64, Error> {
    let tokens = tx
        .execute(
            "DELETE FROM refresh_token WHERE token_hash IN
                 (SELECT token_hash FROM refresh_token WHERE expires_at < ?1 LIMIT ?2)",
            params![before, limit],
        )
        .await?;
    let sessions = tx
        .execute(
            "DELETE FROM session WHERE session_id IN (SELECT session_id FROM session WHERE expires_at < ?1 LIMIT ?2)",
            params![before, limit],
        )
        .await?;
    Ok(tokens + sessions)
}

#[cfg(test)]
mod tests;
