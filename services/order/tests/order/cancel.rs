//! Cancelling: before the capture, after it, and at the same moment.

use bojagi_api::order::{self as api, DeliveryState, MoneyState, OrderState};
use bojagi_api::payment::PaymentState;
use bojagi_testkit::reason;
use tonic::Code;

use crate::house::{House, basket, id, patient, won};
use crate::peers::{Fault, Hold};

#[tokio::test]
async fn a_confirmed_order_gives_everything_back() {
    let house = House::open().await;
    let order = house.place(basket()).await.unwrap();
    let request = api::CancelOrderRequest { request_id: id(), order_id: order.id.clone() };
    let answer = house.orders().cancel_order(request.clone()).await.unwrap().into_inner().order.unwrap();
    assert_eq!(answer.state(), OrderState::Cancelling);
    assert!(answer.cancel_requested && answer.delivery_address.is_some());
    assert!(answer.deliveries.iter().all(|parcel| parcel.state() == DeliveryState::Cancelled));

    let order = house.until(&order.id, OrderState::Cancelled).await;
    assert_eq!((order.money_state(), order.refunded.clone()), (MoneyState::Refunded, Some(won(2_200))));
    assert_eq!(house.payments.kept(&order.id), 0);
    assert_eq!(house.stock.hold(&order.id), Some(Hold::Ended));
    assert_eq!(
        house.history(&order.id).await,
        [
            (OrderState::Pending, "PLACED".to_owned()),
            (OrderState::Confirmed, "PAID".to_owned()),
            (OrderState::Cancelling, "CANCELLED_BY_CUSTOMER".to_owned()),
            (OrderState::Cancelled, "ALL_GIVEN_BACK".to_owned()),
        ]
    );

    let replay = house.orders().cancel_order(request).await.unwrap().into_inner().order.unwrap();
    assert_eq!(replay, answer);
    let refused = house.cancel(&order.id).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "ALREADY_CANCELLED".to_owned()));
}

#[tokio::test]
async fn a_pending_order_that_payment_can_still_void_fails_as_cancelled() {
    let house = House::open().await;
    house.stock.reserve.always(Some(Fault::Unavailable));
    let order_id = house.place_and_leave().await;
    house.stock.reserve.called(1).await;
    let pending = house.cancel(&order_id).await.unwrap();
    assert_eq!(pending.state(), OrderState::Pending);
    assert!(pending.cancel_requested);
    assert_eq!(reason(&house.cancel(&order_id).await.unwrap_err()), "ALREADY_CANCELLED");
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.failure.unwrap().reason, "CANCELLED_BY_CUSTOMER");
    assert_eq!(house.payments.state(&order_id), Some(PaymentState::Voided));
    assert_eq!(house.payments.refund.calls(), 0);
}

#[tokio::test]
async fn a_wish_that_comes_after_the_capture_confirms_and_cancels_in_one_commit() {
    let house = House::open().await;
    house.payments.capture.then([Fault::LoseAnswer]);
    let order_id = house.place_and_leave().await;
    house.payments.capture.called(1).await;
    house.cancel(&order_id).await.unwrap();
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.money_state(), MoneyState::Refunded);
    assert!(order.failure.is_none());
    assert_eq!(house.payments.kept(&order_id), 0);
    let history = house.history(&order_id).await;
    assert_eq!(history[1], (OrderState::Confirmed, "PAID".to_owned()));
    assert_eq!(history[2], (OrderState::Cancelling, "CANCELLED_BY_CUSTOMER".to_owned()));
}

#[tokio::test]
async fn a_wish_to_cancel_does_not_wait_for_a_peer_that_hangs() {
    // One that waited for an answer would not come true while this test watches.
    let house = House::with(patient()).await;
    for (fault, hanging) in [(Fault::Hang, "reserve"), (Fault::HangAfter, "reserve"), (Fault::Hang, "authorize")] {
        let script = if hanging == "reserve" { &house.stock.reserve } else { &house.payments.authorize };
        let calls = script.calls();
        script.then([fault]);
        let order_id = house.place_and_leave().await;
        script.called(calls + 1).await;
        house.cancel(&order_id).await.unwrap();
        let order = house.until(&order_id, OrderState::Cancelled).await;
        assert_eq!(order.failure.unwrap().reason, "CANCELLED_BY_CUSTOMER");
        assert_eq!(house.payments.kept(&order_id), 0);
        assert_eq!(house.stock.hold(&order_id), Some(Hold::Ended));
    }
}

#[tokio::test]
async fn a_wish_to_cancel_during_a_capture_that_hangs_asks_payment_who_came_first() {
    let house = House::with(patient()).await;
    house.payments.capture.then([Fault::HangAfter]);
    let order_id = house.place_and_leave().await;
    house.payments.capture.called(1).await;
    house.cancel(&order_id).await.unwrap();
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.money_state(), MoneyState::Refunded);
    assert_eq!(house.payments.account(&order_id).unwrap().refunds.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r17_cancel_races_confirm() {
    let house = House::open().await;
    let races = (0..64).map(|_| {
        let (mut orders, request) =
            (house.orders(), api::PlaceOrderRequest { wait: api::Wait::None.into(), ..basket() });
        tokio::spawn(async move {
            let order_id = orders.place_order(request).await.unwrap().into_inner().order.unwrap().id;
            let request = api::CancelOrderRequest { request_id: id(), order_id: order_id.clone() };
            orders.cancel_order(request).await.unwrap();
            order_id
        })
    });
    for race in races.collect::<Vec<_>>() {
        let order_id = race.await.unwrap();
        let order = house.until(&order_id, OrderState::Cancelled).await;
        assert_eq!(house.payments.kept(&order_id), 0);
        let account = house.payments.account(&order_id).unwrap();
        let (voided, refunded) = (account.state == PaymentState::Voided, account.refunds.len());
        assert_eq!(usize::from(voided) + refunded, 1, "exactly one of void and refund: {account:?}");
        assert_eq!(order.money_state() == MoneyState::Refunded, refunded == 1);
        assert_eq!(house.stock.hold(&order_id), Some(Hold::Ended));
        assert_eq!(house.coupons.hold(&order_id), Some(Hold::Ended));
    }
}

#[tokio::test]
async fn an_order_is_cancelled_by_nobody_else_and_not_once_a_parcel_has_left() {
    let house = House::open().await;
    let order = house.place(basket()).await.unwrap();
    let other = house.rig.account(&[bojagi_api::policy::Role::Customer]);
    let request = api::CancelOrderRequest { request_id: id(), order_id: order.id.clone() };
    let refused = house.orders_of(&other).cancel_order(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::NotFound, "ORDER_NOT_FOUND".to_owned()));

    let parcel = order.deliveries.iter().find(|parcel| parcel.store_id == house.stock.stores[0].to_string()).unwrap();
    let begin = api::BeginDeliveryRequest { request_id: id(), delivery_id: parcel.delivery_id.clone() };
    house.deliveries(&house.sellers[0]).begin_delivery(begin).await.unwrap();
    let refused = house.cancel(&order.id).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "DELIVERY_BEGUN".to_owned()));
    assert_eq!(house.order(&order.id).await.state(), OrderState::Confirmed);
}
