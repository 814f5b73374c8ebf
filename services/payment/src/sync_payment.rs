//! Asking the provider where a payment stands, because an operator wants to know now.

use std::sync::Arc;

use bojagi_kernel::Failure;
use bojagi_kernel::id::PaymentId;
use bojagi_store::Tx;

use crate::desk::{Desk, Errand, of_payment, of_refund, uninterrupted};
use crate::domain::{Payment, PaymentRefusal, ProviderKey, Refund, UnderWay};
use crate::store::{payments, refunds};

impl Desk {
    /// Asks the provider about everything that it has not answered for good, and says whether that changed anything.
    pub(crate) async fn sync_payment(self: &Arc<Self>, payment_id: PaymentId) -> Result<(Payment, bool), Failure> {
        let desk = Arc::clone(self);
        uninterrupted(async move {
            let (before, refunds_before) = desk.with_refunds(payment_id).await?;
            let open: Vec<ProviderKey> =
                errands(&before, &refunds_before).map(|errand| errand.instruction.key).collect();
            for key in &open {
                desk.ask_about(payment_id, *key).await?;
            }

            let (after, refunds_after) = desk.with_refunds(payment_id).await?;
            if errands(&after, &refunds_after).any(|errand| open.contains(&errand.instruction.key)) {
                return Err(PaymentRefusal::ProviderUnavailable.into());
            }
            Ok((after, !open.is_empty()))
        })
        .await
    }

    /// Asks the provider about a key of a payment, unless it has been answered. Somebody else may ask at any moment, so it is read
    /// how it stands, and read again when it has moved on meanwhile.
    async fn ask_about(self: &Arc<Self>, payment_id: PaymentId, key: ProviderKey) -> Result<(), Failure> {
        loop {
            let (payment, refunds) = self.with_refunds(payment_id).await?;
            let open = errands(&payment, &refunds).find(|errand| errand.instruction.key == key);
            let Some(errand) = open else { return Ok(()) };
            if self.ask_again(errand).await? {
                return Ok(());
            }
        }
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

/// What the provider has not answered for good. Letting go what is not known to be held is left to the job: it must not overtake
/// an authorisation that another process may still be asking for.
fn errands(payment: &Payment, refunds: &[Refund]) -> impl Iterator<Item = Errand> {
    let must_wait = payment.under_way == Some(UnderWay::Void) && payment.authorized_at.is_none();
    let of_payment = of_payment(payment).filter(|_| !must_wait);
    of_payment.into_iter().chain(refunds.iter().filter_map(|refund| of_refund(refund, payment)))
}
