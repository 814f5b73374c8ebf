//! What people do with orders that were sent.

use bojagi_api::order::{
    ApproveRefundRequest, BeginDeliveryRequest, GetRefundRequest, Order, Refund, RefundMoneyState, RequestRefundLine,
    RequestRefundRequest,
};
use bojagi_testkit::eventually;
use tonic::Status;
use uuid::Uuid;

use crate::person::Person;
use crate::shop::Offer;

impl Person {
    /// Sends the part of an order that a store of this seller sold.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn send(&self, order: &Order, offer: &Offer) {
        let parcel = order.deliveries.iter().find(|parcel| parcel.store_id == offer.store_id).unwrap();
        let (request_id, delivery_id) = (Uuid::now_v7().to_string(), parcel.delivery_id.clone());
        self.deliveries().begin_delivery(BeginDeliveryRequest { request_id, delivery_id }).await.unwrap();
    }

    /// Asks for pieces of an offer to be taken back.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn request_refund(&self, order: &Order, offer: &Offer, quantity: i64) -> Result<Refund, Status> {
        let line = order.lines.iter().find(|line| line.option_id == offer.option_id).unwrap();
        let request = RequestRefundRequest {
            request_id: Uuid::now_v7().to_string(),
            order_id: order.id.clone(),
            lines: vec![RequestRefundLine { order_line_id: line.id.clone(), quantity }],
            reason: "the colour is another one".into(),
        };
        Ok(self.refunds().request_refund(request).await?.into_inner().refund.unwrap_or_default())
    }

    /// Agrees to a refund.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn approve_refund(&self, refund_id: &str, restock: bool) -> Result<Refund, Status> {
        let request =
            ApproveRefundRequest { request_id: Uuid::now_v7().to_string(), refund_id: refund_id.into(), restock };
        Ok(self.refunds().approve_refund(request).await?.into_inner().refund.unwrap_or_default())
    }

    /// Waits until the money of a refund has gone back.
    ///
    /// # Panics
    /// When it does not.
    pub async fn wait_for_money(&self, refund_id: &str) -> Refund {
        let refund = async || {
            let request = GetRefundRequest { refund_id: refund_id.into() };
            self.refunds().get_refund(request).await.unwrap().into_inner().refund.unwrap()
        };
        let is_back = async || refund().await.money_state() == RefundMoneyState::Refunded;
        eventually("the money of the refund has gone back", is_back).await;
        refund().await
    }
}
