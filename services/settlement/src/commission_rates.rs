//! Setting the commission: from a moment that has not passed, so that what was captured keeps its rate. So does the one that
//! holds while nobody has set any, which is a setting: each is kept with the moment from which it holds.

use std::sync::Arc;

use bojagi_chassis::Context;
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{BasisPoints, Failure, Moment};
use bojagi_store::{Error, Tx};

use crate::domain::{CommissionRate, CommissionRateId, SettlementRefusal};
use crate::store;

/// Keeps the rate that holds where none was set, as the settings have it at the start. One that differs from the last holds
/// for what is captured from now on, also when facts of before are still to be heard; the first one has always held. Of
/// processes with different settings the one that starts last decides, and says so.
///
/// # Errors
/// What the database says.
pub(crate) async fn keep_default(context: &Context, rate: BasisPoints) -> Result<(), Failure> {
    let clock = Arc::clone(&context.clock);
    let unit = async move |tx: &mut Tx| match store::last_default(tx).await? {
        None => store::insert_default(tx, rate, Moment::from_micros(0)).await,
        Some((last, _)) if last == rate => Ok(()),
        Some((last, _)) => {
            let (now, last_bps, rate_bps) = (clock.now(), last.points(), rate.points());
            tracing::warn!(last_bps, rate_bps, "what is captured from now on has another commission by default");
            // Some are to come if the clock was ahead at an earlier start.
            store::forget_defaults_after(tx, now).await?;
            store::insert_default(tx, rate, now).await
        }
    };
    context.store.write(unit).await.map_err(|error: Error| Failure::from(error))
}

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

/// Sets a rate. `now` is read in the unit of `tx`.
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
