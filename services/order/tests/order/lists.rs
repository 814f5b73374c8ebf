//! Lists, pages and sums.

use std::collections::HashSet;
use std::time::Duration;

use bojagi_api::common::TimeRange;
use bojagi_api::order::order_service_client::OrderServiceClient;
use bojagi_api::order::{self as api, OrderState};
use bojagi_api::policy::Role;
use bojagi_chassis::wire::timestamp;
use bojagi_kernel::Clock;
use bojagi_testkit::reason;
use tonic::Code;

use crate::house::{House, basket, won};
use crate::peers::Fault;

#[tokio::test]
async fn pages_hold_every_order_once_newest_first_while_others_are_placed() {
    let house = House::open().await;
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(house.place(basket()).await.unwrap().id);
    }
    let mut request = api::ListOrdersRequest { page_size: 3, ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = house.orders().list_orders(request.clone()).await.unwrap().into_inner();
        seen.extend(page.orders.into_iter().map(|order| order.id));
        house.place(basket()).await.unwrap();
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    placed.reverse();
    assert_eq!(seen, placed);

    // A token belongs to its query.
    let first = house.orders().list_orders(api::ListOrdersRequest { page_size: 3, ..Default::default() }).await;
    let bent = api::ListOrdersRequest {
        state: OrderState::Failed.into(),
        page_token: first.unwrap().into_inner().next_page_token,
        ..Default::default()
    };
    assert_eq!(house.orders().list_orders(bent).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn orders_are_found_by_state_and_date() {
    let house = House::open().await;
    let early = house.place(basket()).await.unwrap();
    house.rig.clock.advance(Duration::from_secs(600));
    let noon = house.rig.clock.now();
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    let late = house.place(basket()).await.unwrap();
    house.until(&late.id, OrderState::Cancelled).await;
    let list = async |request: api::ListOrdersRequest| {
        let orders = house.orders().list_orders(request).await.unwrap().into_inner().orders;
        orders.into_iter().map(|order| order.id).collect::<Vec<_>>()
    };
    let in_state = |state: OrderState| api::ListOrdersRequest { state: state.into(), ..Default::default() };
    assert_eq!(list(in_state(OrderState::Confirmed)).await, std::slice::from_ref(&early.id));
    assert_eq!(list(in_state(OrderState::Cancelled)).await, std::slice::from_ref(&late.id));
    let placed = |starts_at, ends_at| api::ListOrdersRequest {
        placed: Some(TimeRange { starts_at, ends_at }),
        ..Default::default()
    };
    assert_eq!(list(placed(None, Some(timestamp(noon)))).await, std::slice::from_ref(&early.id));
    assert_eq!(list(placed(Some(timestamp(noon)), None)).await, [late.id]);
    let other = house.rig.account(&[Role::Customer]);
    let theirs = house.orders_of(&other).list_orders(api::ListOrdersRequest::default()).await.unwrap();
    assert!(theirs.into_inner().orders.is_empty());
}

#[tokio::test]
async fn an_order_of_somebody_else_is_not_there() {
    let house = House::open().await;
    let order = house.place(basket()).await.unwrap();
    let mut stranger = house.orders_of(&house.rig.account(&[Role::Customer]));
    let order_id = order.id;
    let refusals = [
        stranger.get_order(api::GetOrderRequest { order_id: order_id.clone() }).await.unwrap_err(),
        stranger
            .list_order_history(api::ListOrderHistoryRequest { order_id: order_id.clone(), ..Default::default() })
            .await
            .unwrap_err(),
        stranger.watch_order(api::WatchOrderRequest { order_id }).await.unwrap_err(),
        stranger.get_order(api::GetOrderRequest { order_id: crate::house::id() }).await.unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "ORDER_NOT_FOUND"));
    }
}

#[tokio::test]
async fn a_seller_sees_the_part_of_an_order_that_is_theirs() {
    let house = House::open().await;
    for _ in 0..3 {
        house.place(basket()).await.unwrap();
    }
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    house.place(basket()).await.unwrap();
    let mut request = api::ListStoreOrdersRequest { page_size: 2, ..Default::default() };
    let mut seller = house.orders_of(&house.sellers[0]);
    let first = seller.list_store_orders(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = seller.list_store_orders(request).await.unwrap().into_inner();
    assert!(second.next_page_token.is_empty());
    let parts: Vec<_> = first.store_orders.into_iter().chain(second.store_orders).collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(parts.iter().map(|part| part.order_id.clone()).collect::<HashSet<_>>().len(), 3);
    for part in parts {
        assert_eq!((part.gross, part.net), (Some(won(2_000)), Some(won(1_700))));
        assert_eq!((part.lines.len(), part.store_id), (1, house.stock.stores[0].to_string()));
    }
    let foreign = api::ListStoreOrdersRequest { store_id: house.stock.stores[1].to_string(), ..Default::default() };
    assert!(seller.list_store_orders(foreign).await.unwrap().into_inner().store_orders.is_empty());
}

#[tokio::test]
async fn parcels_are_listed_for_both_parties() {
    let house = House::open().await;
    let orders = [house.place(basket()).await.unwrap(), house.place(basket()).await.unwrap()];
    let list = async |account, request: api::ListDeliveriesRequest| {
        house.deliveries(account).list_deliveries(request).await.unwrap().into_inner()
    };
    assert_eq!(list(&house.customer, api::ListDeliveriesRequest::default()).await.deliveries.len(), 4);
    assert_eq!(list(&house.sellers[1], api::ListDeliveriesRequest::default()).await.deliveries.len(), 2);
    let of_order = api::ListDeliveriesRequest { order_id: orders[0].id.clone(), ..Default::default() };
    assert_eq!(list(&house.customer, of_order.clone()).await.deliveries.len(), 2);
    assert_eq!(list(&house.sellers[0], of_order).await.deliveries.len(), 1);
    let mut request = api::ListDeliveriesRequest { page_size: 3, ..Default::default() };
    let first = list(&house.customer, request.clone()).await;
    request.page_token = first.next_page_token;
    let second = list(&house.customer, request).await;
    let ids: HashSet<_> = first.deliveries.iter().chain(&second.deliveries).map(|parcel| parcel.id.clone()).collect();
    assert_eq!((ids.len(), second.next_page_token.as_str()), (4, ""));
}

#[tokio::test]
async fn sagas_are_listed_oldest_first_by_age() {
    let house = House::open().await;
    let old = house.place(basket()).await.unwrap().id;
    house.rig.clock.advance(Duration::from_secs(3_600));
    let new = house.place(basket()).await.unwrap().id;
    let list = async |request: api::ListSagasRequest| {
        let sagas = house.sagas().list_sagas(request).await.unwrap().into_inner().sagas;
        sagas.into_iter().map(|saga| saga.order_id).collect::<Vec<_>>()
    };
    assert_eq!(list(api::ListSagasRequest::default()).await, [old.clone(), new]);
    let minimum_age = Some(prost_types::Duration { seconds: 1_800, nanos: 0 });
    assert_eq!(list(api::ListSagasRequest { minimum_age, ..Default::default() }).await, [old]);
    let running = api::ListSagasRequest { state: api::SagaState::Running.into(), ..Default::default() };
    assert!(list(running).await.is_empty());
}

#[tokio::test]
async fn m4_totals_count_money_by_the_times_of_payment() {
    let house = House::open().await;
    let totals = async |as_of| {
        let mut internal = OrderServiceClient::new(house.rig.workload("settlement"));
        let request = api::GetOrderTotalsRequest { as_of: Some(timestamp(as_of)) };
        let totals = internal.get_order_totals(request).await.unwrap().into_inner().totals;
        totals.into_iter().map(|total| (total.paid.unwrap(), total.given_back.unwrap())).collect::<Vec<_>>()
    };
    let start = house.rig.clock.now();
    assert!(totals(start + Duration::from_secs(1)).await.is_empty());
    let kept = house.place(basket()).await.unwrap();
    let undone = house.place(basket()).await.unwrap();
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    house.place(basket()).await.unwrap();
    house.rig.clock.advance(Duration::from_secs(60));
    let before_refund = house.rig.clock.now();
    house.rig.clock.advance(Duration::from_secs(60));
    house.cancel(&undone.id).await.unwrap();
    house.until(&undone.id, OrderState::Cancelled).await;
    house.rig.clock.advance(Duration::from_secs(1));
    assert!(totals(start).await.is_empty());
    assert_eq!(totals(before_refund).await, [(won(4_400), won(0))]);
    assert_eq!(totals(house.rig.clock.now()).await, [(won(4_400), won(2_200))]);
    assert_eq!(house.payments.kept(&kept.id), 2_200);
    assert_eq!(house.payments.kept(&undone.id), 0);
}
