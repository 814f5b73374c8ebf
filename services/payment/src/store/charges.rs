//! Charges of points.

use bojagi_kernel::id::{AccountId, RequestId};
use bojagi_kernel::{Moment, Money};
use bojagi_store::{Error, FromRow, Row, Tx, params};

use super::columns::StoredCurrency;
use crate::domain::{Charge, ChargeId, MethodSummary, PaidWith};

/// The columns of a charge, in the order in which they are read.
macro_rules! columns {
    () => {
        "id, account_id, request_id, fingerprint, state, currency, amount, decline_reason, provider_token, method_type,
         method_issuer, method_last_four, provider_reference, asked_at, created_at, completed_at"
    };
}

impl FromRow for Charge {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let summary = MethodSummary { kind: row.get(9)?, issuer: row.get(10)?, last_four: row.get(11)? };
        Ok(Self {
            id: row.get(0)?,
            account_id: row.get(1)?,
            request_id: row.get(2)?,
            fingerprint: row.get(3)?,
            state: row.get(4)?,
            amount: Money::new(row.get::<StoredCurrency>(5)?.0, row.get(6)?),
            decline_reason: row.get(7)?,
            paid_with: PaidWith { token: row.get(8)?, summary },
            reference: row.get(12)?,
            asked_at: row.get(13)?,
            created_at: row.get(14)?,
            completed_at: row.get(15)?,
        })
    }
}

/// Stores a new charge. False when the account has one under this request id already.
pub(crate) async fn insert(tx: &mut Tx, charge: &Charge) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            concat!(
                "INSERT INTO points_charge (",
                columns!(),
                ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                   ?16)
                 ON CONFLICT (account_id, request_id) DO NOTHING"
            ),
            params![
                charge.id,
                charge.account_id,
                charge.request_id,
                charge.fingerprint,
                charge.state,
                charge.amount.currency().code(),
                charge.amount.minor(),
                charge.decline_reason,
                charge.paid_with.token,
                charge.paid_with.summary.kind,
                charge.paid_with.summary.issuer,
                charge.paid_with.summary.last_four,
                charge.reference,
                charge.asked_at,
                charge.created_at,
                charge.completed_at,
            ],
        )
        .await?;
    Ok(inserted > 0)
}

/// Stores a charge that was concluded. False when somebody else concluded it first.
pub(crate) async fn update(tx: &mut Tx, charge: &Charge) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE points_charge SET state = ?2, decline_reason = ?3, provider_reference = ?4, asked_at = ?5,
                completed_at = ?6
             WHERE id = ?1 AND asked_at IS NOT NULL",
            params![
                charge.id,
                charge.state,
                charge.decline_reason,
                charge.reference,
                charge.asked_at,
                charge.completed_at,
            ],
        )
        .await?;
    Ok(updated > 0)
}

pub(crate) async fn by_id(tx: &mut Tx, charge_id: ChargeId) -> Result<Option<Charge>, Error> {
    tx.fetch_optional(concat!("SELECT ", columns!(), " FROM points_charge WHERE id = ?1"), params![charge_id]).await
}

/// The charge that an account asked for under a request id.
pub(crate) async fn asked_as(
    tx: &mut Tx,
    account_id: AccountId,
    request_id: RequestId,
) -> Result<Option<Charge>, Error> {
    tx.fetch_optional(
        concat!("SELECT ", columns!(), " FROM points_charge WHERE account_id = ?1 AND request_id = ?2"),
        params![account_id, request_id],
    )
    .await
}

/// Charges that the provider was asked for before `before` and has not answered for good, the longest waiting first.
pub(crate) async fn waiting(tx: &mut Tx, before: Moment, limit: i64) -> Result<Vec<Charge>, Error> {
    tx.fetch_all(
        concat!("SELECT ", columns!(), " FROM points_charge WHERE asked_at <= ?1 ORDER BY asked_at LIMIT ?2"),
        params![before, limit],
    )
    .await
}

/// Notes that the provider is asked now about a charge. False when it has answered, or was asked since it was asked at `read`.
pub(crate) async fn claim(tx: &mut Tx, charge_id: ChargeId, read: Moment, now: Moment) -> Result<bool, Error> {
    let claimed = tx
        .execute(
            "UPDATE points_charge SET asked_at = ?3 WHERE id = ?1 AND asked_at = ?2",
            params![charge_id, read, now],
        )
        .await?;
    Ok(claimed > 0)
}
