//! Payouts, and the accounts that they go to.

use std::collections::HashMap;

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Moment, Money};
use bojagi_store::{Bind, Error, Filter, FromRow, Row, Tx, params};

use super::stored::money;
use crate::bank::BankToken;
use crate::domain::{Payout, PayoutAccount, PayoutId, PayoutState, SettlementId, StatementId, Step};

const COLUMNS: &str = "id, seller_id, settlement_id, state, currency, amount, bank_name, last_four, failure_reason,
    created_at, sent_at, paid_at, ended_at";

impl FromRow for Payout {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: row.get(0)?,
            seller_id: row.get(1)?,
            settlement_id: row.get(2)?,
            state: row.get(3)?,
            amount: money(row, 4, 5)?,
            account: PayoutAccount { bank_name: row.get(6)?, last_four: row.get(7)? },
            statement_ids: Vec::new(),
            failure_reason: row.get(8)?,
            created_at: row.get(9)?,
            sent_at: row.get(10)?,
            paid_at: row.get(11)?,
            ended_at: row.get(12)?,
        })
    }
}

/// Registers the account that a seller is paid to, instead of an earlier one.
///
/// # Errors
/// What the database says.
pub(crate) async fn register_account(
    tx: &mut Tx,
    seller_id: AccountId,
    token: &BankToken,
    account: &PayoutAccount,
    now: Moment,
) -> Result<(), Error> {
    tx.send(
        "INSERT INTO payout_account (seller_id, bank_token, bank_name, last_four, registered_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (seller_id) DO UPDATE SET bank_token = excluded.bank_token, bank_name = excluded.bank_name,
            last_four = excluded.last_four, registered_at = excluded.registered_at",
        params![seller_id, token.reveal(), account.bank_name, account.last_four, now],
    )
    .await
}

/// The account that a seller is paid to, with the bank's token for it.
///
/// # Errors
/// What the database says.
pub(crate) async fn payout_account(
    tx: &mut Tx,
    seller_id: AccountId,
) -> Result<Option<(BankToken, PayoutAccount)>, Error> {
    let row: Option<(String, String, String)> = tx
        .fetch_optional(
            "SELECT bank_token, bank_name, last_four FROM payout_account WHERE seller_id = ?1",
            params![seller_id],
        )
        .await?;
    Ok(row.map(|(token, bank_name, last_four)| (BankToken::new(token), PayoutAccount { bank_name, last_four })))
}

/// Adds a payout, to be given to the bank at once.
///
/// # Errors
/// What the database says.
pub(crate) async fn insert_payout(tx: &mut Tx, payout: &Payout, token: &BankToken) -> Result<(), Error> {
    tx.send(
        "INSERT INTO payout (id, seller_id, settlement_id, state, currency, amount, bank_token, bank_name, last_four,
            failure_reason, created_at, attempts, next_attempt_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', ?10, 0, ?10)",
        params![
            payout.id,
            payout.seller_id,
            payout.settlement_id,
            payout.state,
            payout.amount.currency().code(),
            payout.amount.minor(),
            token.reveal(),
            payout.account.bank_name,
            payout.account.last_four,
            payout.created_at,
        ],
    )
    .await
}

/// Which payouts to list.
#[derive(Debug)]
pub(crate) struct PayoutFilter {
    /// Only of this seller.
    pub(crate) seller_id: Option<AccountId>,
    /// Only in this state.
    pub(crate) state: Option<PayoutState>,
    /// Only stored at or after.
    pub(crate) from: Option<Moment>,
    /// Only stored before.
    pub(crate) until: Option<Moment>,
    /// Where the page begins: the last payout of the page before.
    pub(crate) after: Option<(Moment, PayoutId)>,
}

/// Payouts, newest first, with their statements.
///
/// # Errors
/// What the database says.
pub(crate) async fn list_payouts(tx: &mut Tx, wanted: &PayoutFilter, limit: i64) -> Result<Vec<Payout>, Error> {
    let mut filter = Filter::new();
    filter.and_if("seller_id = ?", wanted.seller_id.as_ref());
    filter.and_if("state = ?", wanted.state.as_ref());
    filter.and_if("created_at >= ?", wanted.from.as_ref());
    filter.and_if("created_at < ?", wanted.until.as_ref());
    if let Some((created_at, id)) = &wanted.after {
        filter.and("(created_at, id) < (?, ?)", [created_at.bind(), id.bind()]);
    }
    let (sql, values) = filter.statement(&format!("SELECT {COLUMNS} FROM payout"), "created_at DESC, id DESC", limit);
    let payouts = tx.fetch_all(&sql, &values).await?;
    with_statements(tx, payouts).await
}

/// A payout with its statements, if there is one.
///
/// # Errors
/// What the database says.
pub(crate) async fn find_payout(tx: &mut Tx, id: PayoutId) -> Result<Option<Payout>, Error> {
    let found: Option<Payout> =
        tx.fetch_optional(&format!("SELECT {COLUMNS} FROM payout WHERE id = ?1"), params![id]).await?;
    Ok(with_statements(tx, found.into_iter().collect()).await?.pop())
}

/// Payouts with their statements, the oldest of each first.
async fn with_statements(tx: &mut Tx, mut payouts: Vec<Payout>) -> Result<Vec<Payout>, Error> {
    let settlements: Vec<_> = payouts.iter().map(|payout| vec![payout.settlement_id.bind()]).collect();
    let found: Vec<(SettlementId, StatementId)> = tx
        .fetch_many(
            "SELECT settlement_id, id FROM statement WHERE settlement_id IN ({?1}) ORDER BY cut_off, id",
            &settlements,
        )
        .await?;
    let mut of_settlements: HashMap<_, Vec<_>> = HashMap::new();
    for (settlement_id, statement_id) in found {
        of_settlements.entry(settlement_id).or_default().push(statement_id);
    }
    for payout in &mut payouts {
        payout.statement_ids = of_settlements.remove(&payout.settlement_id).unwrap_or_default();
    }
    Ok(payouts)
}

/// Moves a payout on, if it still stands where it was seen. Says whether it did.
///
/// # Errors
/// What the database says.
pub(crate) async fn move_to(tx: &mut Tx, payout: &Payout, step: Step, reason: &str, at: Moment) -> Result<bool, Error> {
    let column = match step {
        Step::Take => "sent_at",
        Step::Pay => "paid_at",
        Step::Fail | Step::Return => "ended_at",
    };
    let moved = tx
        .execute(
            &format!("UPDATE payout SET state = ?3, failure_reason = ?4, {column} = ?5 WHERE id = ?1 AND state = ?2"),
            params![payout.id, payout.state, step.state(), reason, at],
        )
        .await?;
    Ok(moved == 1)
}

/// A payout that the bank is to be asked to take.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    /// Which.
    pub(crate) id: PayoutId,
    /// Where it goes.
    pub(crate) token: BankToken,
    /// How much.
    pub(crate) amount: Money,
    /// How often the bank was asked before.
    pub(crate) attempts: i64,
}

impl FromRow for Due {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: row.get(0)?,
            token: BankToken::new(row.get(1)?),
            amount: money(row, 2, 3)?,
            attempts: row.get(4)?,
        })
    }
}

/// Payouts that the bank is to be asked to take now.
///
/// # Errors
/// What the database says.
pub(crate) async fn due_payouts(tx: &mut Tx, now: Moment, limit: i64) -> Result<Vec<Due>, Error> {
    tx.fetch_all(
        "SELECT id, bank_token, currency, amount, attempts FROM payout
         WHERE state = 'PENDING' AND next_attempt_at <= ?1 ORDER BY next_attempt_at LIMIT ?2",
        params![now, limit],
    )
    .await
}

/// Stores an attempt before it is made. Says whether this caller may make it; another one may have been quicker.
///
/// # Errors
/// What the database says.
pub(crate) async fn claim(tx: &mut Tx, due: &Due, next_attempt_at: Moment) -> Result<bool, Error> {
    let claimed = tx
        .execute(
            "UPDATE payout SET attempts = attempts + 1, next_attempt_at = ?3
             WHERE id = ?1 AND attempts = ?2 AND state = 'PENDING'",
            params![due.id, due.attempts, next_attempt_at],
        )
        .await?;
    Ok(claimed == 1)
}
