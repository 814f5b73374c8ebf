//! What cannot repair itself is parked, and the operator resumes it.

use std::time::Duration;

use bojagi_api::common::ParkedEventState;
use bojagi_api::order::{self as api, MoneyState, OrderState, SagaState, SagaStepKind, SagaStepState};
use bojagi_api::payment::RefundState;
use bojagi_order::Config;
use bojagi_store::{Error, Tx};
use bojagi_testkit::{eventually, reason};
use tonic::Code;

use crate::house::{House, basket, id, impatient, won};
use crate::peers::Fault;

/// After which an order is looked at again that is parked and may go on by itself.
const RECHECK: Duration = Duration::from_secs(10);

async fn parked_at_refund(house: &House) -> String {
    *house.payments.refunds_to.lock().unwrap() = Some(RefundState::Failed);
    let order_id = house.place(basket()).await.unwrap().id;
    house.cancel(&order_id).await.unwrap();
    house.until_saga(&order_id, SagaState::Parked).await;
    order_id
}

#[tokio::test]
async fn r15_a_refund_that_fails_is_parked_and_the_operator_resumes_it() {
    let house = House::open().await;
    let order_id = parked_at_refund(&house).await;
    let saga = house.saga(&order_id).await;
    assert!(saga.parked_reason.contains("REFUND_FAILED"));
    let refund = saga.steps.iter().find(|step| step.kind() == SagaStepKind::Refund).unwrap();
    assert_eq!((refund.state(), refund.attempts), (SagaStepState::Open, 2));
    assert!(refund.last_error.contains("REFUND_FAILED"));

    // Nothing is retried in silence.
    let asked = house.payments.refund.calls();
    house.rig.clock.advance(Duration::from_secs(3_600));
    house.until_saga(&order_id, SagaState::Parked).await;
    assert_eq!(house.payments.refund.calls(), asked);
    let request = api::ListSagasRequest { state: SagaState::Parked.into(), ..Default::default() };
    let listed = house.sagas().list_sagas(request).await.unwrap().into_inner().sagas;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].order_id, order_id);

    *house.payments.refunds_to.lock().unwrap() = None;
    let request = api::RetrySagaRequest { request_id: id(), order_id: order_id.clone() };
    let saga = house.sagas().retry_saga(request.clone()).await.unwrap().into_inner().saga.unwrap();
    assert_eq!(saga.state(), SagaState::Running);
    assert_eq!(house.until(&order_id, OrderState::Cancelled).await.money_state(), MoneyState::Refunded);
    let replay = house.sagas().retry_saga(request).await.unwrap().into_inner().saga.unwrap();
    assert_eq!(replay, saga);
    let request = api::RetrySagaRequest { request_id: id(), order_id };
    assert_eq!(reason(&house.sagas().retry_saga(request).await.unwrap_err()), "SAGA_NOT_PARKED");
}

#[tokio::test]
async fn a_refund_that_gets_no_answer_is_tried_again_and_parked_at_last() {
    let house = House::open().await;
    house.payments.refund.always(Some(Fault::Unavailable));
    let order_id = house.place(basket()).await.unwrap().id;
    house.cancel(&order_id).await.unwrap();
    house.until_saga(&order_id, SagaState::Parked).await;
    let steps = house.saga(&order_id).await.steps;
    let refund = steps.iter().find(|step| step.kind() == SagaStepKind::Refund).unwrap();
    assert_eq!((refund.state(), refund.attempts), (SagaStepState::Open, 4));
    assert_eq!(house.order(&order_id).await.state(), OrderState::Cancelling);

    // It is asked again now and then, and shown to the operator as long as there is no answer.
    let asked = house.payments.refund.calls();
    house.rig.clock.advance(RECHECK);
    eventually("it is asked again", async || house.payments.refund.calls() > asked).await;
    let saga = house.until_saga(&order_id, SagaState::Parked).await;
    assert!(saga.parked_reason.contains("unavailable"), "{}", saga.parked_reason);
    house.payments.refund.always(None);
    house.rig.clock.advance(RECHECK);
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.money_state(), MoneyState::Refunded);
    let saga = house.saga(&order_id).await;
    assert_eq!((saga.state(), saga.parked_reason.as_str()), (SagaState::Done, ""));
}

#[tokio::test]
async fn a_void_that_gets_no_answer_is_parked_and_goes_on_by_itself_once_payment_is_back() {
    let house = House::open().await;
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    house.payments.void.always(Some(Fault::Unavailable));
    let order_id = house.place_and_leave().await;
    let saga = house.until_saga(&order_id, SagaState::Parked).await;
    assert_eq!(saga.order_state(), OrderState::Pending);
    house.payments.void.always(None);
    house.rig.clock.advance(RECHECK);
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.failure.unwrap().reason, "OUT_OF_STOCK");
    assert_eq!(house.saga(&order_id).await.state(), SagaState::Done);
}

/// A house that repairs one order at a time and waits for an answer as long as it takes, with an order in it that is parked
/// because payment does not answer.
async fn parked_in_a_narrow_house() -> (House, String) {
    // Nothing ends by time but what the test is about.
    let config = Config { repairs_at_once: 1, ask_timeout_milliseconds: 600_000, lease_seconds: 1_800, ..impatient() };
    let house = House::with(config).await;
    house.payments.refund.always(Some(Fault::Unavailable));
    let order_id = house.place(basket()).await.unwrap().id;
    house.cancel(&order_id).await.unwrap();
    house.until_saga(&order_id, SagaState::Parked).await;
    (house, order_id)
}

#[tokio::test]
async fn what_is_parked_without_an_answer_does_not_hold_up_an_order_that_missed_one() {
    let (house, _) = parked_in_a_narrow_house().await;
    house.payments.refund.always(Some(Fault::Hang));
    let asked = house.payments.refund.calls();
    house.rig.clock.advance(RECHECK);
    house.payments.refund.called(asked + 1).await;

    house.coupons.reserve.then([Fault::Unavailable]);
    let order_id = house.place_and_leave().await;
    house.until(&order_id, OrderState::Confirmed).await;
}

#[tokio::test]
async fn orders_that_are_not_parked_do_not_hold_up_one_that_is_and_may_go_on() {
    let (house, order_id) = parked_in_a_narrow_house().await;
    house.coupons.reserve.then([Fault::Unavailable, Fault::Hang]);
    let asked = house.coupons.reserve.calls();
    house.place_and_leave().await;
    eventually("the second attempt hangs", async || {
        house.rig.clock.advance(Duration::from_millis(20));
        house.coupons.reserve.calls() == asked + 2
    })
    .await;

    house.payments.refund.always(None);
    house.rig.clock.advance(RECHECK);
    house.until(&order_id, OrderState::Cancelled).await;
}

#[tokio::test]
async fn what_the_version_before_parked_without_an_answer_goes_on_after_the_upgrade() {
    let house = House::open().await;
    let refused = parked_at_refund(&house).await;
    *house.payments.refunds_to.lock().unwrap() = None;
    house.payments.refund.always(Some(Fault::Unavailable));
    let cancelling = house.place(basket()).await.unwrap().id;
    house.cancel(&cancelling).await.unwrap();
    house.until_saga(&cancelling, SagaState::Parked).await;
    house.payments.void.always(Some(Fault::Unavailable));
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    let pending = house.place_and_leave().await;
    house.until_saga(&pending, SagaState::Parked).await;
    park_like_the_version_before(&house).await;

    house.payments.void.always(None);
    house.payments.refund.always(None);
    let house = house.crash().await;
    assert_eq!(house.until(&cancelling, OrderState::Cancelled).await.money_state(), MoneyState::Refunded);
    house.until(&pending, OrderState::Cancelled).await;
    let saga = house.saga(&refused).await;
    assert_eq!((saga.state(), saga.next_attempt_at), (SagaState::Parked, None));
}

/// Leaves the parked orders as they are left by a program that tries nothing again, before the migration that mends it.
async fn park_like_the_version_before(house: &House) {
    let parked: Result<u64, Error> = house
        .rig
        .store("order")
        .write(async |tx: &mut Tx| {
            tx.execute("DELETE FROM migration WHERE name = 'order-6'", &[]).await?;
            tx.execute("UPDATE orders SET wake_at = NULL, version = version + 1 WHERE saga_state = 'PARKED'", &[]).await
        })
        .await;
    assert_eq!(parked.unwrap(), 3);
}

#[tokio::test]
async fn a_refund_that_payment_makes_after_it_was_settled_by_hand_is_in_the_books_of_both() {
    let house = House::open().await;
    *house.payments.refunds_to.lock().unwrap() = Some(RefundState::Pending);
    let order_id = house.place(basket()).await.unwrap().id;
    house.cancel(&order_id).await.unwrap();
    house.until_saga(&order_id, SagaState::Parked).await;
    let request = api::ResolveSagaRequest {
        request_id: id(),
        order_id: order_id.clone(),
        reason: "paid in cash".into(),
        ..Default::default()
    };
    house.sagas().resolve_saga(request).await.unwrap();
    assert_eq!(house.until(&order_id, OrderState::Cancelled).await.money_state(), MoneyState::Paid);

    house.payments.provider_gives_back(&order_id).await;
    eventually("it is taken down", async || house.order(&order_id).await.money_state() == MoneyState::Refunded).await;
    let order = house.order(&order_id).await;
    assert_eq!((order.state(), order.refunded), (OrderState::Cancelled, Some(won(2_200))));
    assert_eq!(house.payments.kept(&order_id), 0);
    assert_eq!(house.saga(&order_id).await.state(), SagaState::Done);
}

#[tokio::test]
async fn a_refund_that_payment_tells_needs_no_other_answer() {
    let house = House::open().await;
    *house.payments.refunds_to.lock().unwrap() = Some(RefundState::Pending);
    let order_id = house.place(basket()).await.unwrap().id;
    house.cancel(&order_id).await.unwrap();
    house.payments.refund.called(1).await;
    house.payments.provider_gives_back(&order_id).await;
    // No time passes, and every other answer would be that the refund is on its way.
    eventually("it is cancelled", async || house.order(&order_id).await.state() == OrderState::Cancelled).await;
    assert_eq!(house.order(&order_id).await.money_state(), MoneyState::Refunded);
}

#[tokio::test]
async fn a_refund_settled_outside_the_shop_is_taken_as_done() {
    let house = House::open().await;
    let order_id = parked_at_refund(&house).await;
    let request = api::ResolveSagaRequest {
        request_id: id(),
        order_id: order_id.clone(),
        reason: "paid in cash".into(),
        ..Default::default()
    };
    let saga = house.sagas().resolve_saga(request).await.unwrap().into_inner().saga.unwrap();
    assert_eq!(saga.operator_reason, "paid in cash");
    let refund = saga.steps.iter().find(|step| step.kind() == SagaStepKind::Refund).unwrap();
    assert_eq!(refund.state(), SagaStepState::Resolved);
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.money_state(), MoneyState::Paid, "payment gave nothing back");
    assert_eq!(house.saga(&order_id).await.state(), SagaState::Done);
}

#[tokio::test]
async fn a_release_that_is_never_told_is_shown_to_the_operator() {
    let house = House::open().await;
    *house.stock.asleep.lock().unwrap() = true;
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    let order_id = house.place(basket()).await.unwrap().id;
    eventually("coupon has told its release", async || {
        let steps = house.saga(&order_id).await.steps;
        steps.iter().any(|step| step.kind() == SagaStepKind::AwaitCouponRelease && step.state() == SagaStepState::Done)
    })
    .await;
    house.rig.clock.advance(Duration::from_secs(601));
    let saga = house.until_saga(&order_id, SagaState::Parked).await;
    assert!(saga.parked_reason.starts_with("item has not told"), "{}", saga.parked_reason);
    let request = api::ResolveSagaRequest {
        request_id: id(),
        order_id: order_id.clone(),
        reason: "counted".into(),
        ..Default::default()
    };
    let saga = house.sagas().resolve_saga(request).await.unwrap().into_inner().saga.unwrap();
    assert_eq!((saga.state(), saga.order_state()), (SagaState::Done, OrderState::Cancelled));
}

#[tokio::test]
async fn compensating_turns_orders_round() {
    let house = House::open().await;
    let compensate = async |order_id: &str| {
        let request =
            api::CompensateSagaRequest { request_id: id(), order_id: order_id.into(), reason: "fraud".into() };
        house.sagas().compensate_saga(request).await.map(|answer| answer.into_inner().saga.unwrap())
    };

    let confirmed = house.place(basket()).await.unwrap().id;
    assert_eq!(compensate(&confirmed).await.unwrap().order_state(), OrderState::Cancelling);
    house.until(&confirmed, OrderState::Cancelled).await;
    assert_eq!(house.history(&confirmed).await[2].1, "CANCELLED_BY_OPERATOR");
    assert_eq!(reason(&compensate(&confirmed).await.unwrap_err()), "SAGA_DONE");

    house.stock.reserve.always(Some(Fault::Unavailable));
    let pending = house.place_and_leave().await;
    house.stock.reserve.called(2).await;
    compensate(&pending).await.unwrap();
    let order = house.until(&pending, OrderState::Cancelled).await;
    assert_eq!(order.failure.unwrap().reason, "CANCELLED_BY_OPERATOR");
    house.stock.reserve.always(None);

    let begun = house.place(basket()).await.unwrap();
    let parcel = begun.deliveries.iter().find(|parcel| parcel.store_id == house.stock.stores[0].to_string()).unwrap();
    let begin = api::BeginDeliveryRequest { request_id: id(), delivery_id: parcel.delivery_id.clone() };
    house.deliveries(&house.sellers[0]).begin_delivery(begin).await.unwrap();
    assert_eq!(reason(&compensate(&begun.id).await.unwrap_err()), "DELIVERY_BEGUN");
    assert_eq!(reason(&compensate(&id()).await.unwrap_err()), "SAGA_NOT_FOUND");
}

#[tokio::test]
async fn events_that_cannot_be_applied_are_listed_and_replayed() {
    let house = House::open().await;
    let fact = bojagi_api::user::AccountSuspended { account_id: "not an id".into(), ..Default::default() };
    house.accounts.tell(uuid::Uuid::now_v7(), &fact).await;
    let list = async || {
        let request = api::ListParkedEventsRequest { group: "order.accounts".into(), ..Default::default() };
        house.sagas().list_parked_events(request).await.unwrap().into_inner().parked_events
    };
    eventually("the event is set aside", async || !list().await.is_empty()).await;
    let event = list().await.remove(0);
    assert_eq!(event.event_type, "bojagi.user.v1.AccountSuspended");
    let request = api::ReplayParkedEventRequest { group: event.group, event_id: event.event_id };
    let replayed = house.sagas().replay_parked_event(request).await.unwrap().into_inner();
    assert_eq!(replayed.released_events, 1);
    assert_eq!(replayed.parked_event.unwrap().state(), ParkedEventState::Retrying);
    let request = api::ReplayParkedEventRequest { group: "order.accounts".into(), event_id: id() };
    let refused = house.sagas().replay_parked_event(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PARKED_EVENT_NOT_FOUND");
}
