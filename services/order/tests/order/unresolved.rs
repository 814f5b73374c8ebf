//! Payments whose outcome nobody knows: the order waits with everything held until the provider answers.

use std::time::Duration;

use bojagi_api::order::{self as api, OrderState, SagaState};
use bojagi_api::payment::{DeclineReason, PaymentState};
use bojagi_testkit::reason;
use tonic::Code;

use crate::house::{House, id};
use crate::peers::Hold;

const UNRESOLVED: (PaymentState, DeclineReason) = (PaymentState::Unresolved, DeclineReason::Unspecified);

async fn unresolved_at_capture() -> (House, String) {
    let house = House::open().await;
    *house.payments.captures_to.lock().unwrap() = Some(UNRESOLVED);
    let order_id = house.place_and_leave().await;
    house.until_saga(&order_id, SagaState::Parked).await;
    (house, order_id)
}

#[tokio::test]
async fn it_stays_pending_beyond_its_deadline_and_confirms_when_the_money_turns_out_captured() {
    let (house, order_id) = unresolved_at_capture().await;
    house.rig.clock.advance(Duration::from_secs(36_000));
    let saga = house.until_saga(&order_id, SagaState::Parked).await;
    assert!(saga.parked_reason.contains("unknown"));
    assert_eq!(house.order(&order_id).await.state(), OrderState::Pending);
    assert_eq!(house.stock.hold(&order_id), Some(Hold::Reserved));
    assert_eq!(house.payments.void.calls(), 0);

    house.payments.provider_says(&order_id, PaymentState::Captured).await;
    let order = house.until(&order_id, OrderState::Confirmed).await;
    assert!(order.failure.is_none());
}

#[tokio::test]
async fn it_fails_when_the_provider_declines_after_all() {
    let (house, order_id) = unresolved_at_capture().await;
    house.payments.provider_says(&order_id, PaymentState::Declined).await;
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.failure.unwrap().reason, "PAYMENT_DECLINED");
    assert_eq!(house.payments.kept(&order_id), 0);
}

#[tokio::test]
async fn an_authorisation_that_is_unknown_goes_on_when_it_is_known() {
    let house = House::open().await;
    *house.payments.authorizes_to.lock().unwrap() = Some(UNRESOLVED);
    let order_id = house.place_and_leave().await;
    house.until_saga(&order_id, SagaState::Parked).await;
    // No fact tells this: it is found out by asking again.
    house.payments.accounts.lock().unwrap().get_mut(&order_id).unwrap().state = PaymentState::Authorized;
    house.rig.clock.advance(Duration::from_secs(60));
    house.until(&order_id, OrderState::Confirmed).await;
}

#[tokio::test]
async fn a_wish_to_cancel_waits_for_the_provider_too() {
    for (answer, was_paid) in [(PaymentState::Captured, true), (PaymentState::Declined, false)] {
        let (house, order_id) = unresolved_at_capture().await;
        house.cancel(&order_id).await.unwrap();
        house.payments.void.called(1).await;
        house.until_saga(&order_id, SagaState::Parked).await;
        assert_eq!(house.order(&order_id).await.state(), OrderState::Pending);
        house.payments.provider_says(&order_id, answer).await;
        let order = house.until(&order_id, OrderState::Cancelled).await;
        assert_eq!(order.failure.is_none(), was_paid);
        assert_eq!(house.payments.account(&order_id).unwrap().refunds.len(), usize::from(was_paid));
        assert_eq!(house.payments.kept(&order_id), 0);
    }
}

#[tokio::test]
async fn the_operator_cannot_decide_for_the_provider() {
    let (house, order_id) = unresolved_at_capture().await;
    let request = api::ResolveSagaRequest {
        request_id: id(),
        order_id,
        reason: "I think it was paid".into(),
        ..Default::default()
    };
    let refused = house.sagas().resolve_saga(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "PAYMENT_UNDECIDED".to_owned()));
}
