use super::super::OwnFailure;
use super::super::samples::{self, NOW, POLICY};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_plan_follows_what_is_known() {
    let order = samples::pending();
    assert_eq!(order.task(NOW), Task::Pay);
    assert_eq!(order.task(NOW + POLICY.deadline), Task::TimeOut);

    let mut turned = order.clone();
    turned.turn(OwnFailure::OrderTimedOut.into(), &POLICY, NOW);
    assert_eq!(turned.task(NOW), Task::Void);
    turned.payment_was_captured(&POLICY, NOW);
    assert_eq!(turned.task(NOW + POLICY.deadline), Task::Pay);

    let mut unresolved = order;
    unresolved.payment_is_unresolved(&POLICY, NOW);
    assert_eq!(unresolved.saga.state, SagaState::Parked);
    assert_eq!(unresolved.task(NOW + POLICY.deadline * 10), Task::Pay);
    unresolved.cancel(CancelReason::Customer, &POLICY, NOW).unwrap();
    assert_eq!(unresolved.task(NOW), Task::Void);
}

#[test]
fn attempts_pause_longer_and_longer_up_to_a_limit() {
    let pauses: Vec<_> = (1..=7).map(|attempts| POLICY.pause(attempts).as_millis()).collect();
    assert_eq!(pauses, [200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert_eq!(POLICY.pause(i64::MAX), POLICY.longest_pause);
}

#[test]
fn a_step_before_the_pivot_is_tried_until_the_deadline_and_never_parked() {
    let mut order = samples::pending();
    for _ in 0..20 {
        order.attempt_failed(Fault::Unanswered, "no answer", &POLICY, NOW + SECOND * 29);
    }
    assert_eq!(order.saga.state, SagaState::Running);
    assert_eq!(order.saga.wake_at, Some(order.saga.deadline));

    // The last of them ends after it.
    order.attempt_failed(Fault::Unanswered, "no answer", &POLICY, NOW + SECOND * 34);
    assert_eq!(order.saga.state, SagaState::Running);
    assert_eq!(order.saga.wake_at, Some(order.saga.deadline));
    assert_eq!(order.task(NOW + SECOND * 34), Task::TimeOut);
}

fn cancelling() -> Order {
    let mut order = samples::confirmed();
    order.cancel(CancelReason::Customer, &POLICY, NOW).unwrap();
    order
}

#[test]
fn who_does_not_answer_is_shown_to_the_operator_and_asked_again_all_the_same() {
    let mut order = cancelling();
    for attempt in 1..=POLICY.attempts + 2 {
        order.attempt_failed(Fault::Unanswered, "no answer", &POLICY, NOW);
        let is_parked = attempt >= POLICY.attempts;
        let pause = if is_parked { POLICY.recheck } else { POLICY.pause(attempt) };
        assert_eq!(order.saga.state == SagaState::Parked, is_parked, "{attempt}");
        assert_eq!(order.saga.wake_at, Some(NOW + pause), "{attempt}");
        assert_eq!(order.saga.lease_owner, None);
    }
    assert_eq!(order.saga.parked_reason.as_deref(), Some("no answer"));
    assert_eq!(order.task(NOW + POLICY.recheck), Task::Refund);
    order.money_is_back(order.totals.net(), NOW, &POLICY, NOW);
    assert_eq!((order.saga.state, order.saga.parked_reason.as_deref()), (SagaState::Running, None));
}

#[test]
fn attempts_without_an_answer_do_not_count_as_refusals() {
    let mut order = cancelling();
    for _ in 1..POLICY.attempts - 1 {
        order.attempt_failed(Fault::Unanswered, "no answer", &POLICY, NOW);
    }
    order.attempt_failed(Fault::Refused, "refused", &POLICY, NOW);
    assert_eq!((order.saga.state, order.saga.refusals), (SagaState::Running, 1));
    order.attempt_failed(Fault::Refused, "refused again", &POLICY, NOW);
    assert_eq!((order.saga.state, order.saga.wake_at), (SagaState::Parked, None));

    // Of refusals with gaps between none is the last word, and together they are attempts all the same.
    let mut order = cancelling();
    for _ in 0..POLICY.attempts {
        assert_eq!(order.saga.state, SagaState::Running);
        let fault = if order.saga.refusals == 0 { Fault::Refused } else { Fault::Unanswered };
        order.attempt_failed(fault, "one or the other", &POLICY, NOW);
    }
    assert_eq!((order.saga.state, order.saga.wake_at), (SagaState::Parked, Some(NOW + POLICY.recheck)));
}

#[test]
fn an_undoing_step_that_is_refused_is_parked_until_the_operator_says_so() {
    let mut order = cancelling();
    order.attempt_failed(Fault::Refused, "refused", &POLICY, NOW);
    assert_eq!(order.saga.wake_at, Some(NOW + POLICY.first_pause));
    order.attempt_failed(Fault::Refused, "refused again", &POLICY, NOW);
    assert_eq!(order.saga.state, SagaState::Parked);
    assert_eq!(order.saga.parked_reason.as_deref(), Some("refused again"));
    assert_eq!(order.saga.wake_at, None);

    order.retry(&POLICY, NOW).unwrap();
    assert_eq!((order.saga.state, order.saga.failed_attempts, order.saga.refusals), (SagaState::Running, 0, 0));
    assert_eq!(
        order.retry(&POLICY, NOW),
        Err(OrderRefusal::SagaNotParked { order_id: order.id, state: SagaState::Running })
    );
}

#[test]
fn the_operator_cannot_decide_for_payment() {
    let mut order = samples::pending();
    order.payment_is_unresolved(&POLICY, NOW);
    let resolved = order.resolve(&[], "called the bank".into(), &POLICY, NOW);
    assert_eq!(resolved, Err(OrderRefusal::PaymentUndecided { order_id: order.id }));
}

#[test]
fn a_refund_settled_by_hand_ends_the_order_once_the_rest_is_back() {
    let mut order = cancelling();
    order.stock_is_back(&POLICY, NOW);
    order.park("refused".into());
    assert_eq!(order.resolve(&[], "paid by hand".into(), &POLICY, NOW), Ok(vec![StepKind::Refund]));
    assert_eq!(order.life, Life::Cancelling);
    order.coupons_are_back(&POLICY, NOW);
    assert_eq!((order.life, order.refunded), (Life::Cancelled, 0));

    // Payment made it too.
    assert!(order.money_went_back(NOW + SECOND, &POLICY, NOW));
    assert_eq!((order.refunded, order.refunded_at), (order.totals.net(), Some(NOW + SECOND)));
    assert_eq!((order.life, order.saga.wake_at), (Life::Cancelled, None));
    assert!(!order.money_went_back(NOW + SECOND * 2, &POLICY, NOW), "it is known");
}

#[test]
fn a_driver_that_holds_an_order_is_not_disturbed_by_a_wish_to_cancel() {
    let mut order = samples::pending();
    let lease_end = order.saga.wake_at;
    order.cancel(CancelReason::Customer, &POLICY, NOW).unwrap();
    assert_eq!(order.saga.wake_at, lease_end);
    order.attempt_failed(Fault::Unanswered, "no answer", &POLICY, NOW);
    assert_eq!(order.saga.lease_owner, None);
}

#[test]
fn compensating_turns_round_what_can_be_turned() {
    let mut order = samples::pending();
    order.compensate("fraud".into(), &POLICY, NOW).unwrap();
    assert_eq!(order.cancel, Some(CancelReason::Operator));
    assert_eq!(order.task(NOW), Task::Void);
    order.fail(&POLICY, NOW);
    assert_eq!(order.failure.as_ref().unwrap().reason, "CANCELLED_BY_OPERATOR");
    order.stock_is_back(&POLICY, NOW);
    order.coupons_are_back(&POLICY, NOW);
    assert_eq!(order.compensate("again".into(), &POLICY, NOW), Err(OrderRefusal::SagaDone { order_id: order.id }));
}

#[test]
fn a_refusal_after_the_capture_is_a_case_for_the_operator() {
    let mut order = samples::pending();
    order.payment_was_captured(&POLICY, NOW);
    let refusal = Refusal::new("item", bojagi_kernel::Kind::WrongState, "OUT_OF_STOCK", "only 1 left");
    order.refused(&refusal, &POLICY, NOW);
    assert_eq!((order.life, order.saga.state), (Life::Pending, SagaState::Parked));
    assert!(order.failure.is_none());
    order.retry(&POLICY, NOW).unwrap();
    assert_eq!(order.task(NOW + POLICY.deadline), Task::Pay);
}
