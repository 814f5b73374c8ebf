//! The money of refunds: it goes back exactly once, whatever dies, and what does not get through is shown to the operator.

use std::time::Duration;

use bojagi_api::order::order_service_client::OrderServiceClient;
use bojagi_api::order::{
    self as api, MoneyState, OrderState, RefundMoneyState, SagaState, SagaStepKind, SagaStepState,
};
use bojagi_api::payment::RefundState;
use bojagi_chassis::wire::timestamp;
use bojagi_kernel::Clock;
use bojagi_order::Config;
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::{eventually, reason};
use uuid::Uuid;

use crate::branches::Branches;
use crate::house::{House, basket, id, impatient, line, won};
use crate::peers::Fault;
use crate::refunds::{approve, get, request, sent, sent_of, until_money};

/// After which what is parked without an answer is tried again.
const RECHECK: Duration = Duration::from_secs(10);
/// How long a driver holds an order.
const LEASE: Duration = Duration::from_secs(20);

/// An order with an approved refund of each line, of which payment has been asked for none yet.
async fn two_approved(house: &House) -> (api::Order, [String; 2]) {
    let order = sent(house).await;
    let mut ids = Vec::new();
    for (seller, index) in house.sellers.iter().zip([0, 1]) {
        let refund = request(house, &order, &[(index, 1)]).await.unwrap();
        approve(house, seller, &refund.id, false).await.unwrap();
        ids.push(refund.id);
    }
    (order, ids.try_into().unwrap())
}

async fn one_approved(house: &House) -> (api::Order, String) {
    let order = sent(house).await;
    let refund = request(house, &order, &[(0, 1)]).await.unwrap();
    approve(house, &house.sellers[0], &refund.id, true).await.unwrap();
    (order, refund.id)
}

#[tokio::test]
async fn r16_a_crash_while_the_money_of_a_refund_goes_back() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let house = House::open().await;
        house.payments.refund.then([fault]);
        let (order, refund_id) = one_approved(&house).await;
        house.payments.refund.called(1).await;
        let house = house.crash().await;
        until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
        let account = house.payments.account(&order.id).unwrap();
        assert_eq!((account.refunds.len(), house.payments.kept(&order.id)), (1, 2_200 - 850));
        assert_eq!(house.order(&order.id).await.refunded, Some(won(850)));
        assert!(house.saga(&order.id).await.lease_epoch > 1, "it has changed hands");
    }
}

#[tokio::test]
async fn r16_a_crash_between_the_approval_and_the_first_ask() {
    // There is no room for it before the crash.
    let house = hanging_in_a_narrow_house().await;
    let (order, refund_id) = one_approved(&house).await;
    let saga = house.saga(&order.id).await;
    let step = saga.steps.iter().find(|step| step.kind() == SagaStepKind::GiveBack).unwrap();
    assert_eq!((step.attempts, saga.leased_until), (0, None), "nobody has taken it up");
    assert_eq!(house.payments.refund.calls(), 1, "only the one that hangs was asked for");
    let house = house.crash().await;
    until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
    assert_eq!(house.payments.account(&order.id).unwrap().refunds.len(), 1);
}

#[tokio::test]
async fn the_money_goes_back_once_whoever_asks() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let branches = Branches::with(impatient()).await;
        branches.one.payments.refund.then([fault]);
        let (order, refund_id) = one_approved(&branches.one).await;
        // Either may drive it. Whoever does is left behind by its lease.
        branches.one.payments.refund.called(1).await;
        branches.other.rig.clock.advance(LEASE);
        until_money(&branches.other, &refund_id, RefundMoneyState::Refunded).await;
        assert_eq!(branches.other.payments.account(&order.id).unwrap().refunds.len(), 1);
        assert_eq!(branches.other.payments.kept(&order.id), 2_200 - 850);
        assert_eq!(branches.one.order(&order.id).await.refunded, Some(won(850)));
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again() {
    let house = House::open().await;
    house.payments.refund.then([Fault::LoseAnswer, Fault::Unavailable]);
    let (order, refund_id) = one_approved(&house).await;
    until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
    assert_eq!(house.payments.account(&order.id).unwrap().refunds.len(), 1);
    let saga = house.saga(&order.id).await;
    let step = saga.steps.iter().find(|step| step.kind() == SagaStepKind::GiveBack).unwrap();
    assert_eq!((step.state(), step.attempts, step.refund_id.as_str()), (SagaStepState::Done, 3, refund_id.as_str()));
}

#[tokio::test]
async fn a_refund_that_its_provider_refuses_is_parked_and_the_operator_resumes_it() {
    let house = House::open().await;
    *house.payments.refunds_to.lock().unwrap() = Some(RefundState::Failed);
    let (order, refund_id) = one_approved(&house).await;
    until_money(&house, &refund_id, RefundMoneyState::Parked).await;
    let saga = house.saga(&order.id).await;
    assert_eq!((saga.state(), saga.order_state()), (SagaState::Parked, OrderState::Confirmed));
    assert!(saga.parked_reason.contains("REFUND_FAILED") && saga.parked_reason.contains(&refund_id));
    let step = saga.steps.iter().find(|step| step.kind() == SagaStepKind::GiveBack).unwrap();
    assert_eq!((step.state(), step.attempts), (SagaStepState::Open, 2));
    let request = api::ListSagasRequest { state: SagaState::Parked.into(), ..Default::default() };
    let listed = house.sagas().list_sagas(request).await.unwrap().into_inner().sagas;
    assert_eq!(listed.iter().map(|saga| saga.order_id.as_str()).collect::<Vec<_>>(), [order.id.as_str()]);

    // Nothing is retried in silence.
    let asked = house.payments.refund.calls();
    house.rig.clock.advance(Duration::from_secs(3_600));
    house.until_saga(&order.id, SagaState::Parked).await;
    assert_eq!(house.payments.refund.calls(), asked);

    *house.payments.refunds_to.lock().unwrap() = None;
    let request = api::RetrySagaRequest { request_id: id(), order_id: order.id.clone() };
    let saga = house.sagas().retry_saga(request.clone()).await.unwrap().into_inner().saga.unwrap();
    assert_eq!(saga.state(), SagaState::Running);
    until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
    assert_eq!(house.until_saga(&order.id, SagaState::Done).await.parked_reason, "");
    assert_eq!(house.sagas().retry_saga(request).await.unwrap().into_inner().saga.unwrap(), saga);
}

#[tokio::test]
async fn a_refund_that_the_operator_settled_is_closed_and_payment_has_the_last_word() {
    let house = House::open().await;
    *house.payments.refunds_to.lock().unwrap() = Some(RefundState::Pending);
    let (order, refund_id) = one_approved(&house).await;
    until_money(&house, &refund_id, RefundMoneyState::Parked).await;
    let settled = |refund_ids: &[&String]| api::ResolveSagaRequest {
        request_id: id(),
        order_id: order.id.clone(),
        reason: "in cash".into(),
        refund_ids: refund_ids.iter().map(ToString::to_string).collect(),
    };
    // Its provider has not said no.
    for (refund_ids, told) in
        [(&[][..], "PAYMENT_UNDECIDED"), (&[&id()], "REFUND_NOT_FOUND"), (&[&"first".to_owned()], "INVALID_ARGUMENT")]
    {
        let refused = house.sagas().resolve_saga(settled(refund_ids)).await.unwrap_err();
        assert_eq!(reason(&refused), told);
    }
    let saga = house.sagas().resolve_saga(settled(&[&refund_id])).await.unwrap().into_inner().saga.unwrap();
    assert_eq!((saga.state(), saga.operator_reason.as_str()), (SagaState::Done, "in cash"));
    let step = saga.steps.iter().find(|step| step.kind() == SagaStepKind::GiveBack).unwrap();
    assert_eq!(step.state(), SagaStepState::Resolved);
    let refund = get(&house, &house.customer, &refund_id).await.unwrap();
    assert_eq!((refund.money_state(), refund.refunded_at), (RefundMoneyState::Resolved, None));
    assert_eq!(house.order(&order.id).await.money_state(), MoneyState::Paid);
    let compensate =
        api::CompensateSagaRequest { request_id: id(), order_id: order.id.clone(), reason: "all of it".into() };
    assert_eq!(reason(&house.sagas().compensate_saga(compensate).await.unwrap_err()), "DELIVERY_BEGUN");

    // It went back by the provider after all, and the books have to agree.
    house.payments.provider_gives_back(&order.id).await;
    until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
    let after = house.order(&order.id).await;
    assert_eq!((after.money_state(), after.refunded), (MoneyState::PartiallyRefunded, Some(won(850))));
}

#[tokio::test]
async fn a_refund_that_gets_no_answer_is_parked_and_goes_on_by_itself_once_payment_is_back() {
    let house = House::open().await;
    house.payments.refund.always(Some(Fault::Unavailable));
    let (order, [first, second]) = two_approved(&house).await;
    for refund_id in [&first, &second] {
        until_money(&house, refund_id, RefundMoneyState::Parked).await;
    }
    assert!(house.saga(&order.id).await.parked_reason.ends_with("and 1 more"));
    house.payments.refund.always(None);
    house.rig.clock.advance(RECHECK);
    for refund_id in [&first, &second] {
        until_money(&house, refund_id, RefundMoneyState::Refunded).await;
    }
    let saga = house.until_saga(&order.id, SagaState::Done).await;
    assert_eq!((saga.parked_reason.as_str(), saga.leased_until, saga.next_attempt_at), ("", None, None));
}

#[tokio::test]
async fn a_refund_that_is_parked_holds_up_no_other_of_its_order() {
    let house = House::open().await;
    *house.payments.refunds_to.lock().unwrap() = Some(RefundState::Failed);
    let order = sent(&house).await;
    let stuck = request(&house, &order, &[(0, 1)]).await.unwrap().id;
    approve(&house, &house.sellers[0], &stuck, false).await.unwrap();
    until_money(&house, &stuck, RefundMoneyState::Parked).await;

    *house.payments.refunds_to.lock().unwrap() = None;
    let other = request(&house, &order, &[(1, 1)]).await.unwrap().id;
    approve(&house, &house.sellers[1], &other, false).await.unwrap();
    until_money(&house, &other, RefundMoneyState::Refunded).await;
    assert_eq!(house.until_saga(&order.id, SagaState::Parked).await.next_attempt_at, None);
    assert_eq!(get(&house, &house.customer, &stuck).await.unwrap().money_state(), RefundMoneyState::Parked);
    // The parcels arrive meanwhile.
    for parcel in &order.deliveries {
        let which = house.stock.stores.iter().position(|store| store.to_string() == parcel.store_id).unwrap();
        let arrived = api::CompleteDeliveryRequest { request_id: id(), delivery_id: parcel.delivery_id.clone() };
        house.deliveries(&house.sellers[which]).complete_delivery(arrived).await.unwrap();
    }
    let saga = house.saga(&order.id).await;
    assert_eq!((saga.order_state(), saga.state()), (OrderState::Completed, SagaState::Parked));
    let retry = api::RetrySagaRequest { request_id: id(), order_id: order.id.clone() };
    house.sagas().retry_saga(retry).await.unwrap();
    until_money(&house, &stuck, RefundMoneyState::Refunded).await;
    let after = house.order(&order.id).await;
    assert_eq!((after.state(), after.refunded), (OrderState::Completed, Some(won(850 + 500))));
}

/// A house that repairs one order at a time and waits for an answer as long as it takes, in which the refund of an order hangs.
async fn hanging_in_a_narrow_house() -> House {
    let config = Config { repairs_at_once: 1, ask_timeout_milliseconds: 600_000, lease_seconds: 1_800, ..impatient() };
    let house = House::with(config).await;
    house.payments.refund.then([Fault::Hang]);
    one_approved(&house).await;
    house.payments.refund.called(1).await;
    house
}

#[tokio::test]
async fn a_refund_that_takes_long_does_not_hold_up_an_order_that_missed_an_answer() {
    let house = hanging_in_a_narrow_house().await;
    house.coupons.reserve.then([Fault::Unavailable]);
    let order_id = house.place_and_leave().await;
    house.until(&order_id, OrderState::Confirmed).await;
}

#[tokio::test]
async fn payments_fact_is_enough() {
    let house = House::open().await;
    *house.payments.refunds_to.lock().unwrap() = Some(RefundState::Pending);
    let (order, refund_id) = one_approved(&house).await;
    house.payments.refund.called(1).await;
    house.payments.provider_gives_back(&order.id).await;
    until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
    assert_eq!(house.until_saga(&order.id, SagaState::Done).await.leased_until, None);
    assert_eq!(house.order(&order.id).await.refunded, Some(won(850)));
}

/// A process of the version before knows only that a confirmed order has nothing left to do.
#[tokio::test]
async fn what_a_process_of_the_version_before_let_go_is_taken_up() {
    let house = House::open().await;
    house.payments.refund.always(Some(Fault::Unavailable));
    let (order, refund_id) = one_approved(&house).await;
    until_money(&house, &refund_id, RefundMoneyState::Parked).await;
    let order_id: Uuid = order.id.parse().unwrap();
    let let_go: Result<u64, Error> = house
        .rig
        .store("order")
        .write(async move |tx: &mut Tx| {
            tx.execute(
                "UPDATE orders SET saga_state = 'DONE', lease_owner = NULL, wake_at = NULL, version = version + 1
                 WHERE order_id = ?1",
                params![order_id],
            )
            .await
        })
        .await;
    assert_eq!(let_go.unwrap(), 1);
    // Whoever starts looks at once.
    let house = house.crash().await;
    house.payments.refund.always(None);
    house.rig.clock.advance(RECHECK);
    until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
    assert_eq!(house.payments.account(&order.id).unwrap().refunds.len(), 1);
}

#[tokio::test]
async fn pieces_that_cost_nothing_go_back_for_nothing() {
    let house = House::open().await;
    let free = api::PlaceOrderRequest {
        lines: vec![line(0, 2, 1_000)],
        expected_discount: Some(won(2_000)),
        tender: None,
        ..basket()
    };
    let order = sent_of(&house, free).await;
    let refund = request(&house, &order, &[(0, 1)]).await.unwrap();
    approve(&house, &house.sellers[0], &refund.id, true).await.unwrap();
    let refund = until_money(&house, &refund.id, RefundMoneyState::Refunded).await;
    assert_eq!(refund.amount, Some(won(0)));
    // Payment is told all the same: settlement has to take the subsidy back.
    let account = house.payments.account(&order.id).unwrap();
    let allocation = &account.asked[&refund.id].allocations[0];
    let (gross, net) = (allocation.gross.clone().unwrap(), allocation.net.clone().unwrap());
    assert_eq!((allocation.quantity, gross, net), (1, won(1_000), won(0)));
}

#[tokio::test]
async fn m4_each_refund_counts_from_its_own_moment() {
    let house = House::open().await;
    let totals = async |as_of| {
        let mut internal = OrderServiceClient::new(house.rig.workload("settlement"));
        let request = api::GetOrderTotalsRequest { as_of: Some(timestamp(as_of)) };
        let totals = internal.get_order_totals(request).await.unwrap().into_inner().totals;
        totals.into_iter().map(|total| (total.paid.unwrap(), total.given_back.unwrap())).collect::<Vec<_>>()
    };
    let order = sent(&house).await;
    let cancelled = house.place(basket()).await.unwrap();
    let mut moments = Vec::new();
    for (seller, index) in house.sellers.iter().zip([0, 1]) {
        house.rig.clock.advance(Duration::from_secs(60));
        moments.push(house.rig.clock.now());
        house.rig.clock.advance(Duration::from_secs(60));
        let refund = request(&house, &order, &[(index, 1)]).await.unwrap();
        approve(&house, seller, &refund.id, false).await.unwrap();
        until_money(&house, &refund.id, RefundMoneyState::Refunded).await;
    }
    house.cancel(&cancelled.id).await.unwrap();
    house.until(&cancelled.id, OrderState::Cancelled).await;
    house.rig.clock.advance(Duration::from_secs(1));
    assert_eq!(totals(moments[0]).await, [(won(4_400), won(0))]);
    assert_eq!(totals(moments[1]).await, [(won(4_400), won(850))]);
    assert_eq!(totals(house.rig.clock.now()).await, [(won(4_400), won(850 + 500 + 2_200))]);
    eventually("payment agrees", async || house.payments.kept(&order.id) == 2_200 - 850 - 500).await;
}
