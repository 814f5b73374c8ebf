//! Taking in what the provider tells by webhook. The signature over the body is all that says who tells it, so nothing of
//! the body is looked at before.

use std::sync::Arc;

use bojagi_kernel::Failure;
use bojagi_store::Tx;

use crate::desk::{Desk, uninterrupted};
use crate::domain::PaymentRefusal;
use crate::provider::{ProviderEvent, Secret};
use crate::settle::settle;

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
            let now = desk.now();
            let settled = desk.store.write(async move |tx: &mut Tx| settle(tx, key, &outcome, None, now).await).await?;
            match settled {
                Some(_) => Ok(()),
                None => Err(PaymentRefusal::ProviderPaymentUnknown.into()),
            }
        })
        .await
    }
}
