//! Parcels: sent by their seller, in order, and only while the order stands.

use bojagi_api::order::{self as api, DeliveryState, OrderState};
use bojagi_api::policy::Role;
use bojagi_testkit::{TestAccount, reason};
use tonic::{Code, Status};

use crate::house::{House, address, basket, id};

async fn begin(house: &House, seller: &TestAccount, delivery_id: &str) -> Result<api::Delivery, Status> {
    let request = api::BeginDeliveryRequest { request_id: id(), delivery_id: delivery_id.into() };
    Ok(house.deliveries(seller).begin_delivery(request).await?.into_inner().delivery.unwrap())
}

async fn complete(house: &House, seller: &TestAccount, delivery_id: &str) -> Result<api::Delivery, Status> {
    let request = api::CompleteDeliveryRequest { request_id: id(), delivery_id: delivery_id.into() };
    Ok(house.deliveries(seller).complete_delivery(request).await?.into_inner().delivery.unwrap())
}

fn refused(outcome: Result<api::Delivery, Status>) -> (Code, String) {
    let status = outcome.unwrap_err();
    (status.code(), reason(&status))
}

/// An order with the ids of its two parcels, that of the first seller first.
async fn order_with_parcels(house: &House) -> (api::Order, [String; 2]) {
    let order = house.place(basket()).await.unwrap();
    let of = |store: uuid::Uuid| {
        let parcel = order.deliveries.iter().find(|parcel| parcel.store_id == store.to_string());
        parcel.unwrap().delivery_id.clone()
    };
    let parcels = house.stock.stores.map(of);
    (order, parcels)
}

#[tokio::test]
async fn the_last_arrival_completes_the_order() {
    let house = House::open().await;
    let (order, [first, second]) = order_with_parcels(&house).await;
    let [seller, other] = &house.sellers;
    let sent = begin(&house, seller, &first).await.unwrap();
    assert_eq!((sent.state(), sent.lines.len()), (DeliveryState::InProgress, 1));
    assert_eq!(sent.delivery_address, Some(address()));
    assert!(sent.begun_at.is_some());
    complete(&house, seller, &first).await.unwrap();
    assert_eq!(house.order(&order.id).await.state(), OrderState::Confirmed);
    begin(&house, other, &second).await.unwrap();
    complete(&house, other, &second).await.unwrap();
    let order = house.order(&order.id).await;
    assert_eq!(order.state(), OrderState::Completed);
    assert!(order.ended_at.is_some());
    assert_eq!(house.history(&order.id).await[2], (OrderState::Completed, "ALL_DELIVERED".to_owned()));
}

#[tokio::test]
async fn steps_come_in_their_order_and_a_replay_answers_the_same() {
    let house = House::open().await;
    let (order, [first, second]) = order_with_parcels(&house).await;
    let [seller, other] = &house.sellers;
    let not_in_progress = (Code::FailedPrecondition, "DELIVERY_NOT_IN_PROGRESS".to_owned());
    assert_eq!(refused(complete(&house, seller, &first).await), not_in_progress);

    let request = api::BeginDeliveryRequest { request_id: id(), delivery_id: first.clone() };
    let answer = house.deliveries(seller).begin_delivery(request.clone()).await.unwrap().into_inner();
    assert_eq!(house.deliveries(seller).begin_delivery(request).await.unwrap().into_inner(), answer);
    let not_awaiting = (Code::FailedPrecondition, "DELIVERY_NOT_AWAITING".to_owned());
    assert_eq!(refused(begin(&house, seller, &first).await), not_awaiting);
    complete(&house, seller, &first).await.unwrap();
    assert_eq!(refused(complete(&house, seller, &first).await), not_in_progress);

    let (cancelled, [_, parcel]) = order_with_parcels(&house).await;
    house.cancel(&cancelled.id).await.unwrap();
    house.until(&cancelled.id, OrderState::Cancelled).await;
    assert_eq!(refused(begin(&house, other, &parcel).await), not_awaiting);
    assert_eq!(house.order(&order.id).await.state(), OrderState::Confirmed);
    begin(&house, other, &second).await.unwrap();
}

#[tokio::test]
async fn a_parcel_of_an_order_that_is_being_cancelled_stays() {
    let house = House::open().await;
    house.payments.refund.always(Some(crate::peers::Fault::Unavailable));
    let (order, [first, _]) = order_with_parcels(&house).await;
    house.cancel(&order.id).await.unwrap();
    let outcome = refused(begin(&house, &house.sellers[0], &first).await);
    assert_eq!(outcome, (Code::FailedPrecondition, "ORDER_NOT_CONFIRMED".to_owned()));
}

#[tokio::test]
async fn only_the_two_parties_of_a_parcel_know_of_it() {
    let house = House::open().await;
    let (_, [first, _]) = order_with_parcels(&house).await;
    let show = async |account: &TestAccount| {
        let request = api::GetDeliveryRequest { delivery_id: first.clone() };
        Ok(house.deliveries(account).get_delivery(request).await?.into_inner().delivery.unwrap())
    };
    assert!(show(&house.customer).await.is_ok());
    assert!(show(&house.sellers[0]).await.is_ok());
    let not_found = (Code::NotFound, "DELIVERY_NOT_FOUND".to_owned());
    assert_eq!(refused(show(&house.sellers[1]).await), not_found);
    assert_eq!(refused(show(&house.rig.account(&[Role::Customer])).await), not_found);
    assert_eq!(refused(begin(&house, &house.sellers[1], &first).await), not_found);
    assert_eq!(refused(begin(&house, &house.sellers[0], &id()).await), not_found);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beginning_races_cancelling_and_one_of_them_wins() {
    let house = House::open().await;
    for _ in 0..16 {
        let (order, [first, _]) = order_with_parcels(&house).await;
        let (begun, cancelled) = tokio::join!(begin(&house, &house.sellers[0], &first), house.cancel(&order.id));
        assert_ne!(begun.is_ok(), cancelled.is_ok());
        let parcels = house.order(&order.id).await.deliveries;
        let sent = parcels.iter().filter(|parcel| parcel.state() == DeliveryState::InProgress).count();
        assert_eq!(sent, usize::from(begun.is_ok()));
    }
}
