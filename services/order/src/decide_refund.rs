//! What becomes of a refund that was asked for: its customer takes it back, or its seller agrees or declines,
//! or an admin does for a seller who cannot.

use bojagi_api::order as api;
use bojagi_chassis::once;
use bojagi_kernel::Failure;
use bojagi_kernel::id::AccountId;
use bojagi_store::idempotency::Key;
use bojagi_store::{Error, Tx};

use crate::domain::{Order, OrderRefusal, Party, RefundId};
use crate::orders::{Orders, save};
use crate::{store, wire};

impl Orders {
    /// The customer takes the wish back.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, `REFUND_NOT_REQUESTED`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn withdraw_refund(
        &self,
        customer_id: AccountId,
        refund_id: RefundId,
        key: Key,
    ) -> Result<api::Refund, Failure> {
        let now = self.now();
        let withdraw = move |order: &mut Order| order.withdraw_refund(refund_id, now);
        self.decide(Party::Customer(customer_id), refund_id, key, withdraw).await
    }

    /// The seller agrees, or an admin for them. From then on the money is owed, and payment is asked for it until it has gone back.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, `REFUND_NOT_REQUESTED`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn approve_refund(
        &self,
        decider: Party,
        refund_id: RefundId,
        restock: bool,
        key: Key,
    ) -> Result<api::Refund, Failure> {
        let now = self.now();
        let approve = move |order: &mut Order| order.approve_refund(refund_id, restock, now);
        self.decide(decider, refund_id, key, approve).await
    }

    /// The seller declines, or an admin for them.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, `REFUND_NOT_REQUESTED`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn reject_refund(
        &self,
        decider: Party,
        refund_id: RefundId,
        reason: String,
        key: Key,
    ) -> Result<api::Refund, Failure> {
        let now = self.now();
        let reject = move |order: &mut Order| order.reject_refund(refund_id, reason.clone(), now);
        self.decide(decider, refund_id, key, reject).await
    }

    async fn decide(
        &self,
        party: Party,
        refund_id: RefundId,
        key: Key,
        step: impl Fn(&mut Order) -> Result<(), OrderRefusal> + Send + 'static,
    ) -> Result<api::Refund, Failure> {
        let (now, request) = (self.now(), key.lock());
        let not_found = OrderRefusal::RefundNotFound { refund_id };
        let found: Result<_, Error> =
            self.context.store.read(async move |tx: &mut Tx| store::order_of_refund(tx, refund_id).await).await;
        let order_id = found?.ok_or_else(|| not_found.clone())?;
        let unit = async move |tx: &mut Tx| {
            let order = store::load_with_refund(tx, order_id, refund_id).await?;
            let mut order = order.ok_or_else(|| not_found.clone())?;
            order.refund_of(party, refund_id)?;
            let mut answer = once::within(tx, &key, now, async |tx: &mut Tx| {
                step(&mut order)?;
                save(tx, &mut order, now).await?;
                Ok(wire::refund_without_words(&order, order.refund_of(party, refund_id)?))
            })
            .await?;
            if let Some(refund) = order.refund(refund_id) {
                answer.reason.clone_from(&refund.reason);
            }
            Ok((order, answer))
        };
        self.change(order_id, request, unit).await.map(|(_, answer)| answer)
    }
}
