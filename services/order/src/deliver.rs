//! Sending the parcels of an order, by the seller of each.

use bojagi_api::order as api;
use bojagi_chassis::once;
use bojagi_kernel::Failure;
use bojagi_kernel::id::AccountId;
use bojagi_store::idempotency::Key;
use bojagi_store::{Error, Tx};

use crate::domain::{DeliveryId, Order, OrderRefusal};
use crate::orders::{Orders, save};
use crate::{store, wire};

impl Orders {
    /// A parcel of the customer's or of the seller's.
    ///
    /// # Errors
    /// `DELIVERY_NOT_FOUND`, also for somebody else's.
    pub(crate) async fn show_delivery(
        &self,
        account_id: AccountId,
        delivery_id: DeliveryId,
    ) -> Result<api::Delivery, Failure> {
        let read = async move |tx: &mut Tx| {
            let order = store::load_parcel_order(tx, delivery_id).await?;
            let not_found = OrderRefusal::DeliveryNotFound { delivery_id };
            let Some(order) = order else { return Err(Failure::from(not_found)) };
            if order.customer_id != account_id {
                order.parcel_of(account_id, delivery_id)?;
            }
            show(&order, delivery_id).ok_or_else(|| not_found.into())
        };
        self.context.store.read(read).await
    }

    /// The parcel leaves the store.
    ///
    /// # Errors
    /// `DELIVERY_NOT_FOUND`, `DELIVERY_NOT_AWAITING`, `ORDER_NOT_CONFIRMED`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn begin_delivery(
        &self,
        seller_id: AccountId,
        delivery_id: DeliveryId,
        key: Key,
    ) -> Result<api::Delivery, Failure> {
        let now = self.now();
        self.send(seller_id, delivery_id, key, move |order| order.begin_delivery(seller_id, delivery_id, now)).await
    }

    /// The parcel has arrived.
    ///
    /// # Errors
    /// `DELIVERY_NOT_FOUND`, `DELIVERY_NOT_IN_PROGRESS`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn complete_delivery(
        &self,
        seller_id: AccountId,
        delivery_id: DeliveryId,
        key: Key,
    ) -> Result<api::Delivery, Failure> {
        let (policy, now) = (self.policy(), self.now());
        let complete = move |order: &mut Order| order.complete_delivery(seller_id, delivery_id, &policy, now);
        self.send(seller_id, delivery_id, key, complete).await
    }

    async fn send(
        &self,
        seller_id: AccountId,
        delivery_id: DeliveryId,
        key: Key,
        step: impl Fn(&mut Order) -> Result<(), OrderRefusal> + Send + 'static,
    ) -> Result<api::Delivery, Failure> {
        let (now, request) = (self.now(), key.lock());
        let not_found = OrderRefusal::DeliveryNotFound { delivery_id };
        let found: Result<_, Error> =
            self.context.store.read(async move |tx: &mut Tx| store::order_of_parcel(tx, delivery_id).await).await;
        let order_id = found?.ok_or_else(|| not_found.clone())?;
        let unit = async move |tx: &mut Tx| {
            let mut order = store::load(tx, order_id).await?.ok_or_else(|| not_found.clone())?;
            order.parcel_of(seller_id, delivery_id)?;
            let mut answer = once::within(tx, &key, now, async |tx: &mut Tx| {
                step(&mut order)?;
                save(tx, &mut order, now).await?;
                let shown = show(&order, delivery_id).ok_or_else(|| not_found.clone())?;
                // What is kept of an answer must not hold the address, which is forgotten with the account.
                Ok(api::Delivery { delivery_address: None, ..shown })
            })
            .await?;
            answer.delivery_address = Some(wire::address(&order.address));
            Ok((order, answer))
        };
        self.change(order_id, request, unit).await.map(|(_, answer)| answer)
    }
}

fn show(order: &Order, delivery_id: DeliveryId) -> Option<api::Delivery> {
    let parcel = order.deliveries.iter().find(|parcel| parcel.id == delivery_id)?;
    Some(wire::delivery(order, parcel))
}
