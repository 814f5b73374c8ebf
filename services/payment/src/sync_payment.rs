//! Asking the provider where a payment stands, because an operator wants to know now.

use std::sync::Arc;

use bojagi_kernel::Failure;
use bojagi_kernel::id::PaymentId;
use bojagi_store::Tx;

use crate::desk::{Desk, Errand, of_payment, of_refund, uninterrupted};
use crate::domain::{Payment, PaymentRefusal, Refund};
use crate::store::{payments, refunds};

impl Desk {
    /// Asks the provider about everything that it has not answered for good, and says whether that changed anything.
    pub(crate) async fn sync_payment(self: &Arc<Self>, payment_id: PaymentId) -> Result<(Payment, bool), Failure> {
        let desk = Arc::clone(self);
        uninterrupted(async move {
            let (before, refunds_before) = desk.with_refunds(payment_id).await?;
            let of_refunds = refunds_before.iter().filter_map(|refund| of_refund(refund, &before));
            let open: Vec<Errand> = of_payment(&before).into_iter().chain(of_refunds).collect();
            for errand in &open {
                desk.ask_again(errand.clone()).await?;
            }

            let (after, refunds_after) = desk.with_refunds(payment_id).await?;
            let still_open = open_keys(&after, &refunds_after);
            if open.iter().any(|errand| still_open.contains(&errand.instruction.key)) {
                return Err(PaymentRefusal::ProviderUnavailable.into());
            }
            Ok((after, !open.is_empty()))
        })
        .await
    }

    async fn with_refunds(&self, payment_id: PaymentId) -> Result<(Payment, Vec<Refund>), Failure> {
        self.store
            .read(async move |tx: &mut Tx| {
                let found = payments::by_id(tx, payment_id).await?.filter(|payment| payment.customer_id.is_some());
                let Some(payment) = found else { return Err(PaymentRefusal::PaymentNotFound { payment_id }.into()) };
                let refunds = refunds::of_order(tx, payment.order_id).await?;
                Ok((payment, refunds))
            })
            .await
    }
}

fn open_keys(payment: &Payment, refunds: &[Refund]) -> Vec<crate::domain::ProviderKey> {
    payment.open_key().into_iter().chain(refunds.iter().filter_map(Refund::open_key)).collect()
}
