//! One-time links.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Error, Tx, params};

use crate::secret::SecretHash;

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkPurpose {
    /// Proving the address.
    Verify,
    /// Setting a new password.
    Reset,
}

bojagi_store::stored_enum!(LinkPurpose { Verify => "VERIFY", Reset => "RESET" });

/// A link as it is stored.
pub(crate) struct NewLink {
    pub(crate) token: SecretHash,
    pub(crate) account_id: AccountId,
    pub(crate) purpose: LinkPurpose,
    pub(crate) expires_at: Moment,
}

/// Stores a link; earlier ones of the same purpose become void.
pub(crate) async fn replace(tx: &mut Tx, link: NewLink) -> Result<(), Error> {
    let NewLink { token, account_id, purpose, expires_at } = link;
    tx.send("DELETE FROM link WHERE account_id = ?1 AND purpose = ?2", params![account_id, purpose]).await?;
    tx.send(
        "INSERT INTO link (token_hash, account_id, purpose, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![token.as_bytes(), account_id, purpose, expires_at],
    )
    .await
}

/// Whose link it is, if it would hold, without using it.
pub(crate) async fn owner(
    tx: &mut Tx,
    token: &SecretHash,
    purpose: LinkPurpose,
    now: Moment,
) -> Result<Option<AccountId>, Error> {
    let owner: Option<(AccountId,)> = tx
        .fetch_optional(
            "SELECT account_id FROM link WHERE token_hash = ?1 AND purpose = ?2 AND expires_at > ?3 AND password_hash IS NULL",
            params![token.as_bytes(), purpose, now],
        )
        .await?;
    Ok(owner.map(|(account_id,)| account_id))
}

/// Uses a link up, and says whose it is.
pub(crate) async fn take(
    tx: &mut Tx,
    token: &SecretHash,
    purpose: LinkPurpose,
    now: Moment,
) -> Result<Option<AccountId>, Error> {
    let owner: Option<(AccountId,)> = tx
        .fetch_optional(
            "DELETE FROM link WHERE token_hash = ?1 AND purpose = ?2 AND expires_at > ?3 AND password_hash IS NULL RETURNING account_id",
            params![token.as_bytes(), purpose, now],
        )
        .await?;
    Ok(owner.map(|(account_id,)| account_id))
}

/// Voids every link of an account.
pub(crate) async fn void_all(tx: &mut Tx, account_id: AccountId) -> Result<(), Error> {
    tx.send("DELETE FROM link WHERE account_id = ?1", params![account_id]).await
}

/// Forgets expired links, at most `limit` of them; says how many.
pub(crate) async fn forget(tx: &mut Tx, now: Moment, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM link WHERE token_hash IN (SELECT token_hash FROM link WHERE expires_at < ?1 LIMIT ?2)",
        params![now, limit],
    )
    .await
}
