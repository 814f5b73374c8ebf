//! What a peer refuses makes the order fail with the peer's reason, and gives back whatever was taken.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::order::{self as api, MoneyState, OrderState, SagaDirection, SagaStepKind, SagaStepState};
use bojagi_api::payment::{DeclineReason, PaymentState};
use bojagi_order::Config;
use tokio::sync::Notify;
use tonic::Code;

use crate::house::{House, basket, impatient, patient};
use crate::peers::{Fault, Hold, Script};

async fn all_is_given_back(house: &House, order_id: &str) {
    let order = house.until(order_id, OrderState::Cancelled).await;
    assert_eq!(order.money_state(), MoneyState::Unpaid);
    assert!(order.failure.is_some() && order.ended_at.is_some() && order.deliveries.is_empty());
    assert_eq!(house.payments.kept(order_id), 0);
    assert!(matches!(house.payments.state(order_id), Some(PaymentState::Voided | PaymentState::Declined)));
    assert_eq!(house.stock.hold(order_id), Some(Hold::Ended));
    assert_eq!(house.coupons.hold(order_id), Some(Hold::Ended));
    assert!(house.payments.void.calls() >= 1);
    assert_eq!(house.saga(order_id).await.state(), api::SagaState::Done);
}

async fn fails_with(house: &House, expected: &str) -> api::Order {
    let order = house.place(basket()).await.unwrap();
    assert!(matches!(order.state(), OrderState::Failed | OrderState::Cancelled), "{:?}", order.state());
    let failure = order.failure.clone().unwrap();
    assert_eq!(failure.reason, expected);
    all_is_given_back(house, &order.id).await;
    order
}

#[tokio::test]
async fn r4_r18_a_refusal_of_any_peer_gives_everything_back() {
    let of_stock: fn(&House) -> &Script = |house| &house.stock.reserve;
    let of_coupons: fn(&House) -> &Script = |house| &house.coupons.reserve;
    let of_authorize: fn(&House) -> &Script = |house| &house.payments.authorize;
    let of_capture: fn(&House) -> &Script = |house| &house.payments.capture;
    for (script, code, reason, step) in [
        (of_stock, Code::FailedPrecondition, "OUT_OF_STOCK", SagaStepKind::ReserveStock),
        (of_stock, Code::NotFound, "ITEM_NOT_FOUND", SagaStepKind::ReserveStock),
        (of_coupons, Code::FailedPrecondition, "DISCOUNT_CHANGED", SagaStepKind::ReserveRedemptions),
        (of_authorize, Code::InvalidArgument, "PAYMENT_MISMATCH", SagaStepKind::Authorize),
        (of_capture, Code::InvalidArgument, "ALLOCATION_MISMATCH", SagaStepKind::Capture),
    ] {
        let house = House::open().await;
        script(&house).then([Fault::Refuse(code, reason)]);
        let order = fails_with(&house, reason).await;
        let failure = order.failure.unwrap();
        assert_eq!(failure.domain, "bojagi.fake");
        assert_eq!(failure.metadata["option_id"], "some-option");
        let saga = house.saga(&order.id).await;
        assert_eq!(saga.direction(), SagaDirection::Backward);
        let refused = saga.steps.iter().find(|refused| refused.kind() == step).unwrap();
        assert_eq!(refused.state(), SagaStepState::Refused, "{reason}");
        assert!(refused.last_error.contains(reason));
        let states: Vec<_> = house.history(&order.id).await;
        assert_eq!(states[1], (OrderState::Failed, reason.to_owned()));
        assert_eq!(states[2], (OrderState::Cancelled, "ALL_GIVEN_BACK".to_owned()));
    }
}

#[tokio::test]
async fn a_decline_is_shown_with_its_reason() {
    for (decline, reason) in [
        (DeclineReason::PointsNotEnough, "POINTS_NOT_ENOUGH"),
        (DeclineReason::PaymentMethodNotFound, "PAYMENT_METHOD_NOT_FOUND"),
        (DeclineReason::LostCard, "PAYMENT_DECLINED"),
    ] {
        let house = House::open().await;
        *house.payments.authorizes_to.lock().unwrap() = Some((PaymentState::Declined, decline));
        let order = fails_with(&house, reason).await;
        assert_eq!(order.failure.unwrap().domain, "bojagi.payment");
    }
    let house = House::open().await;
    *house.payments.captures_to.lock().unwrap() = Some((PaymentState::Declined, DeclineReason::InsufficientFunds));
    let order = fails_with(&house, "PAYMENT_DECLINED").await;
    assert_eq!(order.failure.unwrap().metadata["decline_reason"], "INSUFFICIENT_FUNDS");
}

#[tokio::test]
async fn r14_the_retry_of_a_failed_request_is_not_reported_as_success() {
    let house = House::open().await;
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    let request = basket();
    let first = house.place(request.clone()).await.unwrap();
    for _ in 0..3 {
        let again = house.place(request.clone()).await.unwrap();
        assert_eq!(again.id, first.id);
        assert!(matches!(again.state(), OrderState::Failed | OrderState::Cancelled));
        assert_eq!(again.failure.unwrap().reason, "OUT_OF_STOCK");
    }
    assert_eq!(house.payments.kept(&first.id), 0);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_asked_again() {
    let house = House::open().await;
    house.stock.reserve.then([Fault::Unavailable, Fault::LoseAnswer]);
    house.coupons.reserve.then([Fault::Refuse(Code::ResourceExhausted, "OVERLOADED")]);
    house.payments.capture.then([Fault::LoseAnswer]);
    let order_id = house.place_and_leave().await;
    let order = house.until(&order_id, OrderState::Confirmed).await;
    assert_eq!(order.money_state(), MoneyState::Paid);
    assert_eq!(house.payments.account(&order_id).unwrap().captures, 1);
    assert_eq!(house.stock.moves.lock().unwrap().iter().filter(|(_, hold)| *hold == Hold::Reserved).count(), 1);
    let saga = house.saga(&order_id).await;
    let step = |kind| saga.steps.iter().find(|step| step.kind() == kind).unwrap().clone();
    assert_eq!(step(SagaStepKind::Capture).state(), SagaStepState::Done);
    assert_eq!(step(SagaStepKind::Capture).attempts, 2);
    assert!(!step(SagaStepKind::ReserveStock).last_error.is_empty());
}

#[tokio::test]
async fn an_order_that_is_not_done_by_its_deadline_fails() {
    let house = House::with(Config { deadline_seconds: 30, ..impatient() }).await;
    house.stock.reserve.always(Some(Fault::Unavailable));
    let order_id = house.place_and_leave().await;
    house.stock.reserve.called(1).await;
    assert_eq!(house.order(&order_id).await.state(), OrderState::Pending);
    house.rig.clock.advance(Duration::from_secs(30));
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.failure.unwrap().reason, "ORDER_TIMED_OUT");
    all_is_given_back(&house, &order_id).await;
}

#[tokio::test]
async fn nothing_is_captured_after_the_deadline_however_late_the_answers_before_it_came() {
    let house = House::with(Config { deadline_seconds: 30, ..patient() }).await;
    let arrives = Arc::new(Notify::new());
    house.stock.reserve.then([Fault::AnswerLater(Arc::clone(&arrives))]);
    let order_id = house.place_and_leave().await;
    house.stock.reserve.called(1).await;
    house.rig.clock.advance(Duration::from_secs(30));
    arrives.notify_one();
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.failure.unwrap().reason, "ORDER_TIMED_OUT");
    assert_eq!(house.payments.capture.calls(), 0);
    all_is_given_back(&house, &order_id).await;
}

#[tokio::test]
async fn a_capture_whose_answer_was_lost_until_the_deadline_goes_forward() {
    let house = House::with(Config { deadline_seconds: 30, ..impatient() }).await;
    house.payments.capture.always(Some(Fault::LoseAnswer));
    let order_id = house.place_and_leave().await;
    house.payments.capture.called(1).await;
    house.rig.clock.advance(Duration::from_secs(30));
    // Void is the arbiter: it answers that the capture came first.
    house.payments.void.called(1).await;
    house.payments.capture.always(None);
    let order = house.until(&order_id, OrderState::Confirmed).await;
    assert!(order.failure.is_none());
    assert_eq!(house.payments.account(&order_id).unwrap().captures, 1);
}

#[tokio::test]
async fn an_order_fails_only_after_payment_has_said_that_nothing_is_captured() {
    let house = House::open().await;
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    house.payments.void.then([Fault::Unavailable, Fault::Unavailable]);
    let order_id = house.place_and_leave().await;
    house.payments.void.called(1).await;
    let pending = house.order(&order_id).await;
    assert_eq!(pending.state(), OrderState::Pending);
    assert!(pending.failure.is_none(), "it may still turn out to be paid");
    assert_eq!(house.stock.hold(&order_id), None);
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.failure.unwrap().reason, "OUT_OF_STOCK");
}
