//! R16: a crash at every step. The process dies at the step, starts again on the same files, and the order reaches its end
//! without new traffic.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::order::{MoneyState, OrderState, PlaceOrderRequest, Wait};
use bojagi_order::Config;
use bojagi_store::{Error, Tx, params};
use bojagi_telemetry::TraceContext;
use bojagi_testkit::eventually;
use tokio::sync::Notify;
use tonic::{Code, Request};

use crate::house::{House, basket, patient};
use crate::peers::{Fault, Hold, Script};

type At = fn(&House) -> &Script;

const RESERVE_STOCK: At = |house| &house.stock.reserve;
const RESERVE_REDEMPTIONS: At = |house| &house.coupons.reserve;
const AUTHORIZE: At = |house| &house.payments.authorize;
const CAPTURE: At = |house| &house.payments.capture;
const VOID: At = |house| &house.payments.void;
const REFUND: At = |house| &house.payments.refund;

async fn dies_at(house: House, step: At) -> House {
    step(&house).called(1).await;
    house.crash().await
}

#[tokio::test]
async fn r16_on_the_way_forward() {
    for step in [RESERVE_STOCK, RESERVE_REDEMPTIONS, AUTHORIZE, CAPTURE] {
        for fault in [Fault::Hang, Fault::HangAfter] {
            let house = House::open().await;
            step(&house).then([fault]);
            let order_id = house.place_and_leave().await;
            let house = dies_at(house, step).await;
            let order = house.until(&order_id, OrderState::Confirmed).await;
            assert_eq!(order.money_state(), MoneyState::Paid);
            assert_eq!(house.payments.account(&order_id).unwrap().captures, 1);
            assert_eq!(order.deliveries.len(), 2);
            assert!(house.saga(&order_id).await.lease_epoch > 1, "it has changed hands");
        }
    }
}

#[tokio::test]
async fn whoever_takes_an_order_over_goes_on_in_its_trace() {
    let house = House::open().await;
    house.payments.capture.then([Fault::Hang]);
    let placed_in = TraceContext::root().with_tracestate("vendor=abc");
    let mut request = Request::new(PlaceOrderRequest { wait: Wait::None.into(), ..basket() });
    request.metadata_mut().insert("traceparent", placed_in.to_string().parse().unwrap());
    request.metadata_mut().insert("tracestate", "vendor=abc".parse().unwrap());
    let order = house.orders().place_order(request).await.unwrap().into_inner().order.unwrap();

    let house = dies_at(house, CAPTURE).await;
    house.until(&order.id, OrderState::Confirmed).await;
    let asked_in = house.payments.capture.trace();
    assert_eq!((asked_in.trace_id(), asked_in.tracestate()), (placed_in.trace_id(), Some("vendor=abc")));
}

#[tokio::test]
async fn r16_on_the_way_back_from_a_refusal() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let house = House::open().await;
        house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
        house.payments.void.then([fault]);
        let order_id = house.place_and_leave().await;
        let house = dies_at(house, VOID).await;
        let order = house.until(&order_id, OrderState::Cancelled).await;
        // The reason was stored before payment was asked, so it is still known.
        assert_eq!(order.failure.unwrap().reason, "OUT_OF_STOCK");
        assert_eq!(house.payments.kept(&order_id), 0);
    }
}

#[tokio::test]
async fn r16_while_money_goes_back() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let house = House::open().await;
        let order_id = house.place(basket()).await.unwrap().id;
        house.payments.refund.then([fault]);
        house.cancel(&order_id).await.unwrap();
        let house = dies_at(house, REFUND).await;
        let order = house.until(&order_id, OrderState::Cancelled).await;
        assert_eq!(order.money_state(), MoneyState::Refunded);
        assert_eq!(house.payments.account(&order_id).unwrap().refunds.len(), 1);
        assert_eq!(house.payments.kept(&order_id), 0);
    }
}

#[tokio::test]
async fn r16_between_the_end_and_the_releases() {
    let house = House::open().await;
    *house.stock.asleep.lock().unwrap() = true;
    *house.coupons.asleep.lock().unwrap() = true;
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    let order_id = house.place(basket()).await.unwrap().id;
    let house = house.crash().await;
    assert_eq!(house.order(&order_id).await.state(), OrderState::Failed);
    *house.stock.asleep.lock().unwrap() = false;
    *house.coupons.asleep.lock().unwrap() = false;
    house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!((house.stock.hold(&order_id), house.coupons.hold(&order_id)), (Some(Hold::Ended), Some(Hold::Ended)));
}

#[tokio::test]
async fn a_driver_that_lost_its_lease_commits_nothing() {
    let house = House::with(Config { orders_at_once: 1, ..patient() }).await;
    let shows = Arc::new(Notify::new());
    house.payments.capture.then([Fault::LoseAnswerLater(Arc::clone(&shows))]);
    let order_id = house.place_and_leave().await;
    house.payments.capture.called(1).await;
    // As if this process had been paused, and another one had taken the order over and not come to an end yet.
    let id = order_id.parse::<uuid::Uuid>().unwrap();
    let taken_over: Result<u64, Error> = house
        .rig
        .store("order")
        .write(async move |tx: &mut Tx| {
            tx.execute(
                "UPDATE orders SET lease_owner = ?2, lease_epoch = lease_epoch + 1, version = version + 1
                 WHERE order_id = ?1",
                params![id, uuid::Uuid::now_v7()],
            )
            .await
        })
        .await;
    assert_eq!(taken_over.unwrap(), 1);
    let before = house.order(&order_id).await;
    shows.notify_one();
    // There is room for one order only, so room for another means that the stale driver has come to its commit and gone.
    eventually("the stale driver has gone", async || house.place(basket()).await.is_ok()).await;
    let after = house.order(&order_id).await;
    assert_eq!((after.state(), after.version), (OrderState::Pending, before.version));
    assert_eq!(house.saga(&order_id).await.steps.iter().map(|step| step.attempts).sum::<i64>(), 0);
    // When the other one's lease runs out too, the order is taken over once more and reaches its end.
    house.rig.clock.advance(Duration::from_secs(1_801));
    house.until(&order_id, OrderState::Confirmed).await;
    assert_eq!(house.payments.account(&order_id).unwrap().captures, 1);
    assert_eq!(house.saga(&order_id).await.lease_epoch, 3);
}
