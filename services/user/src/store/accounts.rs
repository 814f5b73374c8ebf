//! Accounts.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Bind, Error, Filter, FromRow, Row, Tx, containing, params};

use crate::domain::account::{Account, AccountKind, AccountState, NewAccount, Standing, search_text};

const COLUMNS: &str =
    "account_id, email, name, phone, kind, is_admin, state, created_at, last_used_at, suspension_reason";

impl FromRow for Account {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            account_id: row.get(0)?,
            email: row.get(1)?,
            name: row.get(2)?,
            phone: row.get(3)?,
            standing: Standing { kind: row.get(4)?, is_admin: row.get(5)? },
            state: row.get(6)?,
            created_at: row.get(7)?,
            last_used_at: row.get(8)?,
            suspension_reason: row.get(9)?,
        })
    }
}

/// What proves an account at sign-in.
#[derive(PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) account_id: AccountId,
    /// Empty while no password is the account's.
    pub(crate) password_hash: String,
    pub(crate) state: AccountState,
    /// How often the address was signed up.
    pub(crate) sign_ups: i64,
}

bojagi_store::from_row!(Credentials { account_id, password_hash, state, sign_ups });

impl Credentials {
    /// The hash, if there is a password that has it.
    pub(crate) fn usable_hash(&self) -> Option<&str> {
        Some(self.password_hash.as_str()).filter(|hash| !hash.is_empty())
    }
}

/// Enters a sign-up. An account that was never verified is taken over: its owner may have forgotten it. Which of the two who
/// signed the address up is its owner nobody knows, and a stranger must not have chosen the password of what the owner then
/// verifies: so unless both brought the same hash, the account is left without a password, which a reset then sets. Of any
/// other account of the address nothing changes but that it was signed up once more.
pub(crate) async fn sign_up(tx: &mut Tx, new: &NewAccount, password_hash: &str, now: Moment) -> Result<(), Error> {
    let search = search_text(new.email.as_str(), &new.name);
    tx.send(
        "INSERT INTO account (account_id, email, password_hash, name, phone, search_text, kind, is_admin, state,
             suspension_reason, address_count, token_time, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, FALSE, 'UNVERIFIED', '', 0, 0, ?8)
         ON CONFLICT (email) DO UPDATE SET name = excluded.name, phone = excluded.phone,
             search_text = excluded.search_text, kind = excluded.kind,
             password_hash = CASE WHEN account.password_hash = excluded.password_hash THEN account.password_hash ELSE '' END
         WHERE account.state = 'UNVERIFIED'",
        params![AccountId::generate(), new.email.as_str(), password_hash, new.name, new.phone, search, new.kind, now],
    )
    .await?;
    tx.send("UPDATE account SET sign_ups = sign_ups + 1 WHERE email = ?1", params![new.email.as_str()]).await
}

pub(crate) async fn find(tx: &mut Tx, account_id: AccountId) -> Result<Option<Account>, Error> {
    tx.fetch_optional(&format!("SELECT {COLUMNS} FROM account WHERE account_id = ?1"), params![account_id]).await
}

pub(crate) async fn credentials_by_email(tx: &mut Tx, email: &str) -> Result<Option<Credentials>, Error> {
    let sql = "SELECT account_id, password_hash, state, sign_ups FROM account WHERE email = ?1";
    tx.fetch_optional(sql, params![email]).await
}

pub(crate) async fn credentials(tx: &mut Tx, account_id: AccountId) -> Result<Option<Credentials>, Error> {
    let sql = "SELECT account_id, password_hash, state, sign_ups FROM account WHERE account_id = ?1";
    tx.fetch_optional(sql, params![account_id]).await
}

/// Makes an account active whose owner has proved the address.
pub(crate) async fn verify(tx: &mut Tx, account_id: AccountId, now: Moment) -> Result<Option<AccountKind>, Error> {
    let kind: Option<(AccountKind,)> = tx
        .fetch_optional(
            "UPDATE account SET state = 'ACTIVE', active_since = ?2
             WHERE account_id = ?1 AND state IN ('UNVERIFIED', 'DORMANT') RETURNING kind",
            params![account_id, now],
        )
        .await?;
    Ok(kind.map(|(kind,)| kind))
}

/// Notes that an active account is used, and says when its next token is issued and what it may. With `password_hash` the
/// account must still have it.
pub(crate) async fn note_use(
    tx: &mut Tx,
    account_id: AccountId,
    password_hash: Option<&str>,
    now: Moment,
) -> Result<Option<(Moment, Standing)>, Error> {
    let row: Option<(i64, AccountKind, bool)> = tx
        .fetch_optional(
            "UPDATE account SET last_used_at = ?2, token_time = CASE WHEN token_time > ?3 THEN token_time ELSE ?3 END
             WHERE account_id = ?1 AND state = 'ACTIVE' AND password_hash = coalesce(?4, password_hash)
             RETURNING token_time, kind, is_admin",
            params![account_id, now, now.micros(), password_hash],
        )
        .await?;
    Ok(row.map(|(micros, kind, is_admin)| (Moment::from_micros(micros), Standing { kind, is_admin })))
}

/// Steps past the issue of every token of the account, and says to which moment: tokens from before it are void.
pub(crate) async fn void_tokens(tx: &mut Tx, account_id: AccountId, now: Moment) -> Result<Moment, Error> {
    let (micros,): (i64,) = tx
        .fetch_one(
            "UPDATE account SET token_time = CASE WHEN token_time >= ?2 THEN token_time + 1 ELSE ?2 END
             WHERE account_id = ?1 RETURNING token_time",
            params![account_id, now.micros()],
        )
        .await?;
    Ok(Moment::from_micros(micros))
}

/// Sets the password of an account that is not closed; of one that still has `old_hash`, if given. False when there is none.
pub(crate) async fn set_password(
    tx: &mut Tx,
    account_id: AccountId,
    old_hash: Option<&str>,
    new_hash: &str,
) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE account SET password_hash = ?3
             WHERE account_id = ?1 AND state <> 'CLOSED' AND password_hash = coalesce(?2, password_hash)",
            params![account_id, old_hash, new_hash],
        )
        .await?;
    Ok(changed > 0)
}

/// Changes what is given of an account that is not closed.
pub(crate) async fn update(
    tx: &mut Tx,
    account_id: AccountId,
    name: Option<&str>,
    phone: Option<&str>,
) -> Result<Option<Account>, Error> {
    let updated: Option<Account> = tx
        .fetch_optional(
            &format!(
                "UPDATE account SET name = coalesce(?2, name), phone = coalesce(?3, phone)
                 WHERE account_id = ?1 AND state <> 'CLOSED' RETURNING {COLUMNS}"
            ),
            params![account_id, name, phone],
        )
        .await?;
    if let (Some(Account { email: Some(email), name, .. }), Some(_)) = (&updated, name) {
        let sql = "UPDATE account SET search_text = ?2 WHERE account_id = ?1";
        tx.send(sql, params![account_id, search_text(email, name)]).await?;
    }
    Ok(updated)
}

/// Erases what is personal in an account whose password is still `password_hash`, and closes it.
pub(crate) async fn close(
    tx: &mut Tx,
    account_id: AccountId,
    password_hash: &str,
) -> Result<Option<AccountKind>, Error> {
    let kind: Option<(AccountKind,)> = tx
        .fetch_optional(
            "UPDATE account SET state = 'CLOSED', email = NULL, password_hash = '', name = '', phone = '', search_text = '',
                 suspension_reason = '', state_before_suspension = NULL, address_count = 0
             WHERE account_id = ?1 AND state = 'ACTIVE' AND password_hash = ?2 RETURNING kind",
            params![account_id, password_hash],
        )
        .await?;
    Ok(kind.map(|(kind,)| kind))
}

/// Suspends an account that is neither suspended nor closed.
pub(crate) async fn suspend(tx: &mut Tx, account_id: AccountId, reason: &str) -> Result<Option<Account>, Error> {
    tx.fetch_optional(
        &format!(
            "UPDATE account SET state_before_suspension = state, state = 'SUSPENDED', suspension_reason = ?2
             WHERE account_id = ?1 AND state NOT IN ('SUSPENDED', 'CLOSED') RETURNING {COLUMNS}"
        ),
        params![account_id, reason],
    )
    .await
}

/// Gives a suspended account the state back that it had.
pub(crate) async fn reinstate(tx: &mut Tx, account_id: AccountId) -> Result<Option<Account>, Error> {
    tx.fetch_optional(
        &format!(
            "UPDATE account SET state = state_before_suspension, state_before_suspension = NULL, suspension_reason = ''
             WHERE account_id = ?1 AND state = 'SUSPENDED' RETURNING {COLUMNS}"
        ),
        params![account_id],
    )
    .await
}

/// Makes the account of an address an admin, unless it is one.
pub(crate) async fn grant_admin(tx: &mut Tx, email: &str) -> Result<Option<AccountId>, Error> {
    let sql = "UPDATE account SET is_admin = TRUE WHERE email = ?1 AND NOT is_admin RETURNING account_id";
    let granted: Option<(AccountId,)> = tx.fetch_optional(sql, params![email]).await?;
    Ok(granted.map(|(account_id,)| account_id))
}

/// Makes active accounts dormant that were not used since `since`, at most `limit` of them; answers which.
pub(crate) async fn make_dormant(tx: &mut Tx, since: Moment, limit: i64) -> Result<Vec<AccountId>, Error> {
    let dormant: Vec<(AccountId,)> = tx
        .fetch_all(
            "UPDATE account SET state = 'DORMANT' WHERE account_id IN
                 (SELECT account_id FROM account WHERE state = 'ACTIVE' AND active_since < ?1
                      AND (last_used_at < ?1 OR last_used_at IS NULL) LIMIT ?2)
             RETURNING account_id",
            params![since, limit],
        )
        .await?;
    Ok(dormant.into_iter().map(|(account_id,)| account_id).collect())
}

/// Which accounts to list.
pub(crate) struct AccountFilter {
    pub(crate) state: Option<AccountState>,
    pub(crate) kind: Option<AccountKind>,
    /// In lower case; empty lists all.
    pub(crate) keyword: String,
}

/// Accounts after `after`, newest first.
pub(crate) async fn list(
    tx: &mut Tx,
    wanted: &AccountFilter,
    after: Option<(Moment, AccountId)>,
    limit: i64,
) -> Result<Vec<Account>, Error> {
    let pattern = (!wanted.keyword.is_empty()).then(|| containing(&wanted.keyword));
    let mut filter = Filter::new();
    filter.and_if("state = ?", wanted.state.as_ref());
    filter.and_if("kind = ?", wanted.kind.as_ref());
    filter.and_if("search_text LIKE ? ESCAPE '!'", pattern.as_ref());
    if let Some((created_at, account_id)) = &after {
        filter.and("(created_at, account_id) < (?, ?)", [created_at.bind(), account_id.bind()]);
    }
    let (sql, params) =
        filter.statement(&format!("SELECT {COLUMNS} FROM account"), "created_at DESC, account_id DESC", limit);
    tx.fetch_all(&sql, &params).await
}
