//! The tables of payment and the statements on them: the only place that knows the database.

pub(crate) mod charges;
mod columns;
pub(crate) mod methods;
pub(crate) mod payments;
pub(crate) mod refunds;
pub(crate) mod schema;
pub(crate) mod wallets;

use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::{Error, Tx};

use crate::domain::{PaymentRefusal, ProviderKey, UnderWay};

/// Notes that the provider is asked now what came of a key, of which it was asked last at `read`. False when the key is not open any
/// more, or somebody else has asked since: then it is not to be asked.
pub(crate) async fn claim(tx: &mut Tx, key: ProviderKey, read: Moment, clock: &dyn Clock) -> Result<bool, Error> {
    // On a server the unit waits for its locks with its first statement, and it is asked only after that.
    if asked_at(tx, key).await? != Some(read) {
        return Ok(false);
    }
    let now = clock.now();
    match key {
        ProviderKey::Authorize(order_id) => payments::claim(tx, order_id, UnderWay::Authorize, read, now).await,
        ProviderKey::Capture(order_id) => payments::claim(tx, order_id, UnderWay::Capture, read, now).await,
        ProviderKey::Void(order_id) => payments::claim(tx, order_id, UnderWay::Void, read, now).await,
        ProviderKey::Refund(refund_id, attempt) => refunds::claim(tx, refund_id, attempt, read, now).await,
        ProviderKey::Charge(charge_id) => charges::claim(tx, charge_id, read, now).await,
    }
}

/// When the provider was asked last about a key, while its answer is not known.
async fn asked_at(tx: &mut Tx, key: ProviderKey) -> Result<Option<Moment>, Error> {
    let (open_key, asked_at) = match key {
        ProviderKey::Authorize(order_id) | ProviderKey::Capture(order_id) | ProviderKey::Void(order_id) => {
            let Some(payment) = payments::of_order(tx, order_id).await? else { return Ok(None) };
            (payment.open_key(), payment.asked_at)
        }
        ProviderKey::Refund(refund_id, _) => {
            let Some(refund) = refunds::by_id(tx, refund_id).await? else { return Ok(None) };
            (refund.open_key(), refund.asked_at)
        }
        ProviderKey::Charge(charge_id) => {
            let Some(charge) = charges::by_id(tx, charge_id).await? else { return Ok(None) };
            (charge.open_key(), charge.asked_at)
        }
    };
    Ok(asked_at.filter(|_| open_key == Some(key)))
}

/// What a violated constraint means to the caller; all else that the database says stays what it is.
pub(crate) fn refused(error: Error) -> Failure {
    match error.constraint() {
        Some("payment_method_token_key") => PaymentRefusal::PaymentMethodExists.into(),
        // Two methods were added or made the default at the same moment.
        Some("payment_method_default_key") => PaymentRefusal::ConcurrentChange.into(),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests;
