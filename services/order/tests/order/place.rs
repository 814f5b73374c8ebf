//! Placing orders that go well, waiting for them, watching them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bojagi_api::order::{self as api, MoneyState, OrderState, SagaStepKind, SagaStepState};
use bojagi_order::Config;
use bojagi_store::{Error, Tx};
use bojagi_testkit::{eventually, reason};
use tokio::sync::Notify;
use tonic::{Code, Request};

use crate::house::{House, address, basket, id, impatient, line, patient, won};
use crate::peers::{Fault, Hold};

#[tokio::test]
async fn an_order_over_two_stores_is_confirmed_with_everything_that_was_learnt() {
    let house = House::open().await;
    let order = house.place(basket()).await.unwrap();
    assert_eq!((order.state(), order.money_state()), (OrderState::Confirmed, MoneyState::Paid));
    let totals = order.totals.unwrap();
    assert_eq!((totals.gross, totals.discount), (Some(won(2_500)), Some(won(300))));
    assert_eq!((totals.net, totals.points, totals.external), (Some(won(2_200)), Some(won(200)), Some(won(2_000))));
    assert_eq!(order.lines[0].discount, Some(won(300)));
    assert_eq!(order.lines[0].platform_discount, Some(won(150)));
    assert_eq!(order.lines[0].net, Some(won(1_700)));
    assert_eq!(order.lines[0].item_name, "Tea");
    assert_eq!(order.lines[1].seller_id, house.sellers[1].account_id.to_string());
    assert_eq!(order.deliveries.len(), 2);
    assert_eq!(order.delivery_address, Some(address()));
    assert!(order.failure.is_none() && order.confirmed_at.is_some());
    assert_eq!(house.order(&order.id).await.lines, order.lines);

    let paid = house.payments.account(&order.id).unwrap();
    assert_eq!((paid.total, paid.captures), (2_200, 1));
    assert_eq!(paid.allocations.len(), 2);
    assert_eq!(
        house.history(&order.id).await,
        [(OrderState::Pending, "PLACED".to_owned()), (OrderState::Confirmed, "PAID".to_owned())]
    );
}

#[tokio::test]
async fn a_healthy_order_takes_two_commits_and_tells_its_steps_without_a_journal() {
    let house = House::open().await;
    let order = house.place(basket()).await.unwrap();
    // Placed, and confirmed.
    assert_eq!(order.version, 2);
    let recorded: Result<(i64,), Error> = house
        .rig
        .store("order")
        .read(async |tx: &mut Tx| tx.fetch_one("SELECT count(*) FROM saga_step", &[]).await)
        .await;
    assert_eq!(recorded.unwrap().0, 0);
    let saga = house.saga(&order.id).await;
    assert_eq!(saga.state(), api::SagaState::Done);
    let steps: Vec<_> = saga.steps.iter().map(|step| (step.kind(), step.state(), step.attempts)).collect();
    let done = |kind| (kind, SagaStepState::Done, 1);
    assert_eq!(
        steps,
        [SagaStepKind::ReserveStock, SagaStepKind::ReserveRedemptions, SagaStepKind::Authorize, SagaStepKind::Capture]
            .map(done)
    );
}

#[tokio::test]
async fn an_order_stays_in_the_trace_of_its_caller() {
    let house = House::open().await;
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut request = Request::new(basket());
    let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    let order = house.orders().place_order(request).await.unwrap().into_inner().order.unwrap();
    let request = api::ListOrderHistoryRequest { order_id: order.id.clone(), ..Default::default() };
    let entries = house.orders().list_order_history(request).await.unwrap().into_inner().entries;
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.trace_id == trace_id && entry.occurred_at.is_some()));
    assert_eq!(house.saga(&order.id).await.trace_id, trace_id);
}

#[tokio::test]
async fn r19_authorised_then_captured_moves_stock_once() {
    let house = House::open().await;
    let order = house.place(basket()).await.unwrap();
    eventually("the stock is sold", async || house.stock.hold(&order.id) == Some(Hold::Sold)).await;
    let moves: Vec<_> = house.stock.moves.lock().unwrap().iter().map(|(_, hold)| *hold).collect();
    assert_eq!(moves, [Hold::Reserved, Hold::Sold]);
}

#[tokio::test]
async fn coupon_is_not_asked_when_there_is_nothing_to_ask() {
    let house = House::open().await;
    let plain = || api::PlaceOrderRequest {
        order_issued_coupon_id: String::new(),
        expected_discount: None,
        quote_hash: String::new(),
        ..basket()
    };
    let order = house.place(plain()).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
    assert!(house.coupons.asked.lock().unwrap().is_empty());

    // Nothing is waited for from coupon when such an order is undone.
    *house.coupons.asleep.lock().unwrap() = true;
    house.cancel(&order.id).await.unwrap();
    eventually("the order is cancelled", async || house.order(&order.id).await.state() == OrderState::Cancelled).await;

    let quoted = house.place(api::PlaceOrderRequest { quote_hash: "shown".into(), ..plain() }).await.unwrap();
    assert_eq!(quoted.state(), OrderState::Confirmed);
    assert_eq!(house.coupons.asked.lock().unwrap().len(), 1, "a quote has to be judged");
}

#[tokio::test]
async fn an_order_that_costs_nothing_is_captured_with_nothing() {
    let house = House::open().await;
    let lines = vec![line(0, 1, 500)];
    let request = api::PlaceOrderRequest { lines, expected_discount: Some(won(500)), tender: None, ..basket() };
    let order = house.place(request).await.unwrap();
    assert_eq!((order.state(), order.money_state()), (OrderState::Confirmed, MoneyState::Paid));
    assert_eq!(house.payments.account(&order.id).unwrap().captures, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_at_once_places_one_order() {
    let house = House::open().await;
    let request = basket();
    let calls = (0..64).map(|index| {
        // How long a caller waits does not make it another request.
        let wait = if index % 8 == 0 { api::Wait::None } else { api::Wait::Unspecified };
        let request = api::PlaceOrderRequest { wait: wait.into(), ..request.clone() };
        let mut orders = house.orders();
        tokio::spawn(async move { orders.place_order(request).await.unwrap().into_inner().order.unwrap() })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }
    let ids: HashSet<_> = answers.iter().map(|order| order.id.clone()).collect();
    assert_eq!(ids.len(), 1);
    let confirmed = answers.iter().filter(|order| order.state() == OrderState::Confirmed).count();
    assert!(confirmed >= 56, "those who waited saw the end: {confirmed}");
    assert_eq!(house.payments.account(&answers[0].id).unwrap().captures, 1);

    let other = api::PlaceOrderRequest { lines: basket().lines, ..request };
    let refused = house.place(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED".to_owned()));
}

#[tokio::test]
async fn request_ids_of_different_customers_never_meet() {
    let house = House::open().await;
    let request = basket();
    let mine = house.place(request.clone()).await.unwrap();
    let other = house.rig.account(&[bojagi_api::policy::Role::Customer]);
    let theirs = house.orders_of(&other).place_order(request).await.unwrap().into_inner().order.unwrap();
    assert_ne!(mine.id, theirs.id);
}

#[tokio::test]
async fn who_does_not_wait_gets_the_pending_order_and_can_watch_it() {
    let house = House::open().await;
    house.stock.reserve.then([Fault::Unavailable]);
    let order_id = house.place_and_leave().await;
    let request = api::WatchOrderRequest { order_id: order_id.clone() };
    let mut sights = house.orders().watch_order(request).await.unwrap().into_inner();
    let first = sights.message().await.unwrap().unwrap().order.unwrap();
    assert_eq!(first.state(), OrderState::Pending);

    house.until(&order_id, OrderState::Confirmed).await;
    for parcel in house.order(&order_id).await.deliveries {
        let seller =
            house.sellers.iter().zip(house.stock.stores).find(|(_, store)| store.to_string() == parcel.store_id);
        let mut deliveries = house.deliveries(seller.unwrap().0);
        let (delivery_id, request_id) = (parcel.delivery_id, id());
        let begin = api::BeginDeliveryRequest { request_id, delivery_id: delivery_id.clone() };
        deliveries.begin_delivery(begin).await.unwrap();
        deliveries.complete_delivery(api::CompleteDeliveryRequest { request_id: id(), delivery_id }).await.unwrap();
    }
    let mut seen = first;
    while let Some(sight) = sights.message().await.unwrap() {
        let order = sight.order.unwrap();
        assert!(order.version > seen.version);
        seen = order;
    }
    assert_eq!(seen.state(), OrderState::Completed);
}

#[tokio::test]
async fn who_watches_is_told_to_come_again_when_the_process_ends_before_the_order() {
    let house = House::open().await;
    let order_id = house.place(basket()).await.unwrap().id;
    let mut sights = house.orders().watch_order(api::WatchOrderRequest { order_id }).await.unwrap().into_inner();
    assert!(sights.message().await.unwrap().is_some());
    house.rig.stop.cancel();
    let broken_off = sights.message().await.unwrap_err();
    assert_eq!((broken_off.code(), reason(&broken_off).as_str()), (Code::Unavailable, "UNAVAILABLE"));
}

#[tokio::test]
async fn a_waiting_caller_is_answered_before_its_deadline_and_the_order_goes_on() {
    let margin = 10_000;
    let config = Config {
        answer_margin_milliseconds: margin,
        ask_timeout_milliseconds: 2_000,
        // It does not end while time flies, so what brings the order on is that an ask counts as unanswered.
        lease_seconds: 1_800,
        ..impatient()
    };
    let house = House::with(config).await;
    house.payments.capture.then([Fault::Hang]);
    let mut request = Request::new(basket());
    request.set_timeout(Duration::from_millis(margin + 350));
    let order = house.orders().place_order(request).await.unwrap().into_inner().order.unwrap();
    assert_eq!(order.state(), OrderState::Pending);
    let order = house.until(&order.id, OrderState::Confirmed).await;
    assert_eq!(house.payments.account(&order.id).unwrap().captures, 1);
}

#[tokio::test]
async fn an_order_lives_on_when_its_caller_goes_away() {
    let house = House::open().await;
    house.payments.authorize.then([Fault::Unavailable]);
    let mut orders = house.orders();
    let call = tokio::spawn(async move { orders.place_order(basket()).await });
    house.payments.authorize.called(1).await;
    call.abort();
    let listed = house.orders().list_orders(api::ListOrdersRequest::default()).await.unwrap().into_inner().orders;
    house.until(&listed[0].id, OrderState::Confirmed).await;
}

#[tokio::test]
async fn too_many_orders_at_once_are_refused_early() {
    let house = House::with(Config { orders_at_once: 1, ..patient() }).await;
    let arrives = Arc::new(Notify::new());
    house.stock.reserve.then([Fault::AnswerLater(Arc::clone(&arrives))]);
    let order_id = house.place_and_leave().await;
    let refused = house.place(basket()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "OVERLOADED".to_owned()));
    arrives.notify_one();
    house.until(&order_id, OrderState::Confirmed).await;
    eventually("there is room again", async || house.place(basket()).await.is_ok()).await;
}
