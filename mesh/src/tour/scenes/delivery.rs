//! The sellers send what was bought.

use bojagi_api::order::{
    BeginDeliveryRequest, CancelOrderRequest, CompleteDeliveryRequest, Delivery, DeliveryState, GetDeliveryRequest,
    ListDeliveriesRequest, ListStoreOrdersRequest, OrderState,
};

use super::orders;
use super::shopping::Bought;
use super::sign_up::Cast;
use crate::people::Member;
use crate::tour::TourError;
use crate::tour::expect;
use crate::tour::purchase::new_request_id;
use crate::tour::timeline::{Timeline, Told};

pub(in crate::tour) async fn play(cast: &Cast, bought: &Bought<'_>, timeline: &mut Timeline) -> Result<(), TourError> {
    timeline.scene("The stores deliver")?;
    let deliveries = timeline.step("each seller looks at the own part of the order", look(cast, bought)).await?;

    let send = async {
        for (seller, delivery) in cast.sellers.iter().zip(&deliveries) {
            begin(seller, &delivery.id).await?;
        }
        let request = CancelOrderRequest { request_id: new_request_id(), order_id: bought.order_id.clone() };
        let cancelled = cast.customer.gateway.orders().cancel_order(request).await;
        let refused = expect::refused("DELIVERY_BEGUN", cancelled)?;
        Ok(Told::new((), "both parcels are on their way")
            .and(format!("the customer wants to cancel now: refused, {}", refused.reason)))
    };
    timeline.step("the sellers send their parcels", send).await?;

    let arrive = async {
        for (seller, delivery) in cast.sellers.iter().zip(&deliveries) {
            complete(seller, &delivery.id).await?;
        }
        let (order, _) = orders::watch_until(&cast.customer, &bought.order_id, OrderState::Completed).await?;
        expect::equal("the order has an end", true, order.ended_at.is_some())?;
        let history = orders::history(&cast.customer, &bought.order_id).await?;
        Ok(Told::new((), orders::told(&history)))
    };
    timeline.step("the parcels arrive", arrive).await
}

/// The delivery of each seller, in the order of the sellers.
async fn look(cast: &Cast, bought: &Bought<'_>) -> Result<Told<Vec<Delivery>>, TourError> {
    let mut deliveries = Vec::new();
    for (number, seller) in cast.sellers.iter().enumerate() {
        let sales = bought.purchase.sales_of(number);
        let net: i64 = sales.iter().map(|(sums, _)| sums.net).sum();
        let listed = seller.gateway.orders().list_store_orders(ListStoreOrdersRequest::default()).await?.into_inner();
        let own = listed.store_orders.into_iter().filter(|part| part.order_id == bought.order_id).collect();
        let part = expect::only("the seller's part of the order", own)?;
        expect::equal("the lines of the seller's part", sales.len(), part.lines.len())?;
        expect::amount("the net of the seller's part", net, part.net.as_ref())?;

        let request = ListDeliveriesRequest { order_id: bought.order_id.clone(), ..ListDeliveriesRequest::default() };
        let listed = seller.gateway.deliveries().list_deliveries(request).await?.into_inner().deliveries;
        let delivery = expect::only("the seller's delivery", listed)?;
        expect::equal("the state of the delivery", DeliveryState::Awaiting, delivery.state())?;
        expect::equal("the store of the delivery", &part.store_id, &delivery.store_id)?;
        expect::equal("the delivery says where it goes", true, delivery.delivery_address.is_some())?;
        deliveries.push(delivery);
    }

    let others = GetDeliveryRequest { delivery_id: deliveries[1].id.clone() };
    let refused = cast.sellers[0].gateway.deliveries().get_delivery(others).await;
    let refused = expect::refused("DELIVERY_NOT_FOUND", refused)?;
    Ok(Told::new(deliveries, "two deliveries AWAITING, each with the lines of its store only")
        .and(format!("one seller asks for the other's: refused, {}", refused.reason)))
}

async fn begin(seller: &Member, delivery_id: &str) -> Result<(), TourError> {
    let request = BeginDeliveryRequest { request_id: new_request_id(), delivery_id: delivery_id.to_owned() };
    let answer = seller.gateway.deliveries().begin_delivery(request).await?.into_inner();
    let delivery = expect::there("the delivery", answer.delivery)?;
    expect::equal("the state of the delivery", DeliveryState::InProgress, delivery.state())
}

async fn complete(seller: &Member, delivery_id: &str) -> Result<(), TourError> {
    let request = CompleteDeliveryRequest { request_id: new_request_id(), delivery_id: delivery_id.to_owned() };
    let answer = seller.gateway.deliveries().complete_delivery(request).await?.into_inner();
    let delivery = expect::there("the delivery", answer.delivery)?;
    expect::equal("the state of the delivery", DeliveryState::Delivered, delivery.state())
}
