//! Setting the commission: from a moment that has not passed, so that what was captured keeps its rate.

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{BasisPoints, Failure, Moment};
use bojagi_store::Tx;

use crate::domain::{CommissionRate, CommissionRateId, SettlementRefusal};
use crate::store;

/// The rate to set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewRate {
    /// For whom; all sellers without a rate of their own when it is nobody.
    pub(crate) seller_id: Option<AccountId>,
    /// How much.
    pub(crate) rate: BasisPoints,
    /// From when on; now when it is left open.
    pub(crate) effective_from: Option<Moment>,
    /// Who sets it.
    pub(crate) set_by: AccountId,
}

/// Sets a rate.
///
/// # Errors
/// `RATE_IN_PAST`, `RATE_EXISTS`.
pub(crate) async fn set(tx: &mut Tx, new: NewRate, now: Moment) -> Result<CommissionRate, Failure> {
    let effective_from = new.effective_from.unwrap_or(now);
    if effective_from < now {
        return Err(SettlementRefusal::RateInPast { effective_from, now }.into());
    }
    let rate = CommissionRate {
        id: CommissionRateId::generate(),
        seller_id: new.seller_id,
        rate: new.rate,
        effective_from,
        created_at: now,
        created_by: new.set_by,
    };
    store::insert_rate(tx, &rate).await?;
    Ok(rate)
}
