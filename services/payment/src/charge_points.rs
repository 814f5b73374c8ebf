//! Charging points: they are bought with a payment method, so that there is always money behind them.

use std::sync::Arc;

use bojagi_chassis::CommonRefusal;
use bojagi_kernel::id::{AccountId, PaymentMethodId, RequestId};
use bojagi_kernel::{Clock, Failure, Money};
use bojagi_store::{LockKey, Tx};

use crate::desk::{Desk, of_charge, uninterrupted};
use crate::domain::{Balance, Charge, ChargeId, ChargeState, PaymentRefusal, WALLET_LIMIT};
use crate::provider::Manner;
use crate::store::{charges, methods, wallets};

/// What a customer buys.
pub(crate) struct ChargePoints {
    pub(crate) account_id: AccountId,
    pub(crate) request_id: RequestId,
    /// A digest of the request.
    pub(crate) fingerprint: [u8; 32],
    pub(crate) amount: Money,
    pub(crate) payment_method_id: PaymentMethodId,
}

impl Desk {
    /// Buys points, and answers where the charge stands and the wallet with it.
    pub(crate) async fn charge_points(self: &Arc<Self>, ask: ChargePoints) -> Result<(Charge, Balance), Failure> {
        let (expected, actual) = (self.currency, ask.amount.currency());
        if actual != expected {
            return Err(PaymentRefusal::CurrencyMismatch { expected, actual }.into());
        }
        let desk = Arc::clone(self);
        uninterrupted(async move {
            let (clock, wallet) = (Arc::clone(&desk.clock), LockKey::of(ask.account_id));
            let unit = async move |tx: &mut Tx| begin(tx, &ask, &*clock).await;
            let (charge, balance) = desk.store.write_locking([wallet], unit).await?;
            let Some(errand) = of_charge(&charge) else { return Ok((charge, balance)) };
            desk.ask(errand, Manner::Perform, None).await?.charge()
        })
        .await
    }
}

async fn begin(tx: &mut Tx, ask: &ChargePoints, clock: &dyn Clock) -> Result<(Charge, Balance), Failure> {
    let &ChargePoints { account_id, request_id, payment_method_id, .. } = ask;
    let balance = wallets::balance(tx, account_id).await?;
    if let Some(earlier) = charges::asked_as(tx, account_id, request_id).await? {
        if earlier.fingerprint != ask.fingerprint {
            return Err(CommonRefusal::IdempotencyKeyReused.into());
        }
        return Ok((earlier, balance));
    }
    let Some(paid_with) = methods::paid_with(tx, account_id, payment_method_id).await? else {
        return Err(PaymentRefusal::PaymentMethodNotFound { payment_method_id }.into());
    };
    if balance.owned() + ask.amount.minor() > WALLET_LIMIT {
        return Err(PaymentRefusal::wallet_full().into());
    }
    let now = clock.now();
    let charge = Charge {
        id: ChargeId::generate(),
        account_id,
        request_id,
        fingerprint: ask.fingerprint.to_vec(),
        state: ChargeState::Pending,
        amount: ask.amount,
        decline_reason: None,
        paid_with,
        reference: None,
        asked_at: Some(now),
        created_at: now,
        completed_at: None,
    };
    if !charges::insert(tx, &charge).await? {
        return Err(PaymentRefusal::ConcurrentChange.into());
    }
    Ok((charge, balance))
}
