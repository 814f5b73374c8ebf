use std::time::Duration;

use bojagi_kernel::id::OrderLineId;

use super::super::samples::{self, NOW, POLICY};
use super::super::{Asking, InstanceId, MoneyState, NewRefund, OrderRefusal, Refund, Task};
use super::*;

/// An order of which one piece of each line is on its way back.
fn approved() -> (Order, [RefundId; 2]) {
    let mut order = samples::sent();
    let lines: Vec<OrderLineId> = order.lines.iter().map(|line| line.id).collect();
    let mut ids = Vec::new();
    for line in lines {
        let id = RefundId::generate();
        order.request_refund(NewRefund { id, lines: vec![(line, 1)], reason: "worn".into() }, NOW).unwrap();
        order.approve_refund(id, false, NOW).unwrap();
        ids.push(id);
    }
    (order, ids.try_into().unwrap())
}

/// Somebody drives it until the end of a lease.
fn drive(order: &mut Order) {
    order.data.saga.lease_owner = Some(InstanceId::generate());
    order.data.saga.wake_at = Some(NOW + POLICY.lease);
}

fn money(order: &Order, refund_id: RefundId) -> (RefundMoney, Option<Moment>) {
    let Refund { money, asking: Asking { next_at, .. }, .. } = order.refund(refund_id).unwrap();
    (*money, *next_at)
}

#[test]
fn each_refund_is_asked_for_and_then_the_order_rests() {
    let (mut order, [first, second]) = approved();
    assert_eq!((order.saga.state, order.saga.wake_at), (SagaState::Running, Some(NOW)));
    assert_eq!(order.money_state(), MoneyState::Paid);
    drive(&mut order);
    assert_eq!(order.task(NOW), Task::GiveBack(first));
    order.gave_back(first, NOW, &POLICY, NOW);
    assert!(order.saga.lease_owner.is_some(), "the driver goes on");
    assert_eq!((order.refunded, order.money_state()), (1_000, MoneyState::PartiallyRefunded));
    assert_eq!(order.task(NOW), Task::GiveBack(second));
    order.gave_back(second, NOW, &POLICY, NOW);
    assert_eq!((order.refunded, order.task(NOW)), (1_500, Task::Rest));
    let saga = &order.saga;
    assert_eq!((saga.state, saga.lease_owner, saga.wake_at), (SagaState::Done, None, None));
}

#[test]
fn what_fails_waits_and_holds_up_no_other() {
    let (mut order, [first, second]) = approved();
    drive(&mut order);
    order.give_back_failed(first, Fault::Unanswered, "no answer", &POLICY, NOW);
    assert_eq!(money(&order, first), (RefundMoney::Refunding, Some(NOW + POLICY.first_pause)));
    assert_eq!(order.task(NOW), Task::GiveBack(second));
    order.gave_back(second, NOW, &POLICY, NOW);
    // Nobody holds it until the next attempt.
    let saga = &order.saga;
    assert_eq!(
        (saga.state, saga.lease_owner, saga.wake_at),
        (SagaState::Running, None, Some(NOW + POLICY.first_pause))
    );
    assert_eq!(order.task(NOW), Task::Rest);
    order.let_go(&POLICY, NOW);
    assert_eq!(order.saga.wake_at, Some(NOW + POLICY.first_pause), "whoever comes too early forgets nothing");
}

#[test]
fn what_is_refused_is_parked_for_good_and_what_is_not_answered_is_tried_again() {
    let (mut order, [refused, unanswered]) = approved();
    for _ in 0..POLICY.refusals {
        drive(&mut order);
        order.give_back_failed(refused, Fault::Refused, "REFUND_FAILED", &POLICY, NOW);
    }
    assert_eq!(money(&order, refused), (RefundMoney::Parked, None));
    assert_eq!(order.saga.state, SagaState::Parked, "the operator sees it at once");
    assert!(order.saga.parked_reason.as_ref().unwrap().contains("REFUND_FAILED"));
    assert_eq!(order.task(NOW), Task::GiveBack(unanswered), "and the other goes on");
    for _ in 0..POLICY.attempts {
        drive(&mut order);
        order.give_back_failed(unanswered, Fault::Unanswered, "no answer", &POLICY, NOW);
    }
    assert_eq!(money(&order, unanswered), (RefundMoney::Parked, Some(NOW + POLICY.recheck)));
    assert!(order.saga.parked_reason.as_ref().unwrap().ends_with("and 1 more"));
    let later = NOW + POLICY.recheck;
    assert_eq!((order.saga.wake_at, order.task(later)), (Some(later), Task::GiveBack(unanswered)));
    order.gave_back(unanswered, later, &POLICY, later);
    assert_eq!((order.saga.state, order.saga.wake_at), (SagaState::Parked, None));
}

#[test]
fn the_operator_has_parked_refunds_asked_for_again_or_settles_them() {
    let parked = || {
        let (mut order, [first, second]) = approved();
        drive(&mut order);
        order.gave_back(second, NOW, &POLICY, NOW);
        for _ in 0..POLICY.refusals {
            order.give_back_failed(first, Fault::Refused, "REFUND_FAILED", &POLICY, NOW);
        }
        (order, first)
    };
    let (mut again, refund_id) = parked();
    again.retry(&POLICY, NOW).unwrap();
    assert_eq!(money(&again, refund_id), (RefundMoney::Refunding, Some(NOW)));
    assert_eq!((again.saga.state, again.saga.wake_at), (SagaState::Running, Some(NOW)));
    assert!(matches!(again.retry(&POLICY, NOW), Err(OrderRefusal::SagaNotParked { .. })));
    assert!(matches!(again.compensate("?".into(), &POLICY, NOW), Err(OrderRefusal::DeliveryBegun { .. })));

    let (mut settled, refund_id) = parked();
    assert_eq!(settled.resolve(&[], "paid in cash".into(), &POLICY, NOW), Ok(Vec::new()));
    assert_eq!(money(&settled, refund_id), (RefundMoney::Resolved, None));
    assert_eq!((settled.saga.state, settled.refunded), (SagaState::Done, 500), "payment gave nothing back for it");
    // Payment did it after all, and the books have to agree.
    assert!(settled.refund_went_back(refund_id, NOW, NOW));
    assert!(!settled.refund_went_back(refund_id, NOW, NOW), "once");
    assert_eq!((settled.refunded, settled.saga.state), (1_500, SagaState::Done));
}

#[test]
fn what_is_still_asked_for_is_settled_only_by_its_name() {
    let parked = || {
        let (mut order, [refused, unanswered]) = approved();
        drive(&mut order);
        for _ in 0..POLICY.refusals {
            order.give_back_failed(refused, Fault::Refused, "REFUND_FAILED", &POLICY, NOW);
        }
        for _ in 0..POLICY.attempts {
            order.give_back_failed(unanswered, Fault::Unanswered, "no answer", &POLICY, NOW);
        }
        (order, [refused, unanswered])
    };
    let recheck = (RefundMoney::Parked, Some(NOW + POLICY.recheck));

    let (mut order, [refused, unanswered]) = parked();
    order.resolve(&[], "paid in cash".into(), &POLICY, NOW).unwrap();
    assert_eq!((money(&order, refused), money(&order, unanswered)), ((RefundMoney::Resolved, None), recheck));
    assert_eq!((order.saga.state, order.saga.wake_at), (SagaState::Parked, Some(NOW + POLICY.recheck)));
    let nothing_named = order.resolve(&[], "all of it".into(), &POLICY, NOW);
    assert!(matches!(nothing_named, Err(OrderRefusal::PaymentUndecided { .. })), "{nothing_named:?}");
    let settled_before = order.resolve(&[unanswered, refused], "again".into(), &POLICY, NOW);
    let expected = OrderRefusal::RefundNotParked { refund_id: refused, money: RefundMoney::Resolved };
    assert_eq!(settled_before, Err(expected));
    assert_eq!(money(&order, unanswered), recheck, "all that are named, or none");
    let refund_id = RefundId::generate();
    let of_another = order.resolve(&[refund_id], "?".into(), &POLICY, NOW);
    assert_eq!(of_another, Err(OrderRefusal::RefundNotFound { refund_id }));
    order.resolve(&[unanswered], "paid in cash, too".into(), &POLICY, NOW).unwrap();
    assert_eq!((money(&order, unanswered), order.saga.state), ((RefundMoney::Resolved, None), SagaState::Done));
}

#[test]
fn a_fact_leaves_the_driver_its_lease() {
    let (mut order, [first, second]) = approved();
    drive(&mut order);
    let (owner, end) = (order.saga.lease_owner, order.saga.wake_at);
    assert!(order.refund_went_back(first, NOW, NOW));
    assert!(order.refund_went_back(second, NOW, NOW));
    assert_eq!((order.saga.lease_owner, order.saga.wake_at), (owner, end));
    assert_eq!(
        order.saga.state,
        SagaState::Running,
        "an order that is held is not at rest, or its lease would be left over"
    );
    order.let_go(&POLICY, NOW);
    assert_eq!((order.saga.state, order.saga.wake_at), (SagaState::Done, None));
}

#[test]
fn the_last_arrival_completes_an_order_whose_money_is_on_its_way() {
    let (mut order, [first, second]) = approved();
    for parcel in order.deliveries.clone() {
        order.complete_delivery(parcel.seller_id, parcel.id, &POLICY, NOW).unwrap();
    }
    assert_eq!((order.life, order.saga.state, order.saga.wake_at), (Life::Completed, SagaState::Running, Some(NOW)));
    for refund_id in [first, second] {
        drive(&mut order);
        order.gave_back(refund_id, NOW, &POLICY, NOW);
    }
    assert_eq!((order.life, order.saga.state), (Life::Completed, SagaState::Done));
}

#[test]
fn what_a_former_version_let_go_is_taken_up() {
    let (mut order, [first, _]) = approved();
    assert!(!order.take_up_give_backs(NOW), "it is under way");
    order.data.saga.rest();
    assert!(order.take_up_give_backs(NOW));
    assert_eq!((order.saga.wake_at, order.task(NOW)), (Some(NOW), Task::GiveBack(first)));
}

#[test]
fn pieces_that_cost_nothing_leave_the_order_paid() {
    let (mut order, [first, second]) = approved();
    let free = |order: &mut Order, id| order.change_refund(id, |refund| refund.lines[0].share.net = 0);
    free(&mut order, first);
    order.gave_back(first, NOW, &POLICY, NOW);
    assert_eq!((order.refunded, order.refunded_at, order.money_state()), (0, Some(NOW), MoneyState::Paid));
    let later = NOW + Duration::from_secs(1);
    order.gave_back(second, later, &POLICY, later);
    assert_eq!((order.refunded_at, order.money_state()), (Some(later), MoneyState::PartiallyRefunded));
}
