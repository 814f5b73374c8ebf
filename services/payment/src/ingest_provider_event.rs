//! Taking in what the provider tells by webhook. The signature over the body is all that says who tells it, so nothing of
//! the body is looked at before.

use std::sync::Arc;

use bojagi_kernel::Failure;
use bojagi_store::{Error, LockKey, Tx};

use crate::desk::{Desk, keys_of, uninterrupted};
use crate::domain::{PaymentRefusal, ProviderKey};
use crate::provider::{ProviderEvent, Secret};
use crate::settle::settle;
use crate::store::{charges, payments, refunds};

/// Takes in the events of a provider that signs with a secret.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) desk: Arc<Desk>,
    pub(crate) secret: Secret,
}

impl Intake {
    /// Takes over what a signed body says.
    pub(crate) async fn ingest(&self, body: &[u8], signature: &str) -> Result<(), Failure> {
        if !self.secret.signed(body, signature) {
            return Err(PaymentRefusal::ProviderSignatureInvalid.into());
        }
        let Some(ProviderEvent { key, outcome }) = ProviderEvent::read(body) else {
            return Err(PaymentRefusal::ProviderEventMalformed.into());
        };
        let desk = Arc::clone(&self.desk);
        uninterrupted(async move {
            let concerned: Result<_, Error> = desk.store.read(async move |tx: &mut Tx| concerned(tx, key).await).await;
            let locked = concerned?.ok_or(PaymentRefusal::ProviderPaymentUnknown)?;
            let clock = Arc::clone(&desk.clock);
            let unit = async move |tx: &mut Tx| settle(tx, key, &outcome, None, &*clock).await;
            match desk.store.write_locking(locked, unit).await? {
                Some(_) => Ok(()),
                None => Err(PaymentRefusal::ProviderPaymentUnknown.into()),
            }
        })
        .await
    }
}

/// What the outcome of a key is about, which no step changes; `None` when nothing of the kind was asked from here.
async fn concerned(tx: &mut Tx, key: ProviderKey) -> Result<Option<Vec<LockKey>>, Error> {
    let order_id = match key {
        ProviderKey::Authorize(order_id) | ProviderKey::Capture(order_id) | ProviderKey::Void(order_id) => order_id,
        ProviderKey::Refund(refund_id, _) => match refunds::by_id(tx, refund_id).await? {
            Some(refund) => refund.order_id,
            None => return Ok(None),
        },
        ProviderKey::Charge(charge_id) => {
            let charge = charges::by_id(tx, charge_id).await?;
            return Ok(charge.map(|charge| vec![LockKey::of(charge.account_id)]));
        }
    };
    Ok(payments::of_order(tx, order_id).await?.as_ref().map(keys_of))
}
