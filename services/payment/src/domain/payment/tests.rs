use super::*;
use proptest::prelude::*;

use crate::domain::{MethodSummary, MethodType, ProviderToken};

const NOW: Moment = Moment::from_micros(1);

fn paid_with() -> PaidWith {
    let summary = MethodSummary { kind: MethodType::CreditCard, issuer: "Bank".into(), last_four: "4242".into() };
    PaidWith { token: ProviderToken::parse("tok_approve").unwrap(), summary }
}

fn terms(total: i64, points: i64) -> Terms {
    Terms {
        order_id: OrderId::generate(),
        customer_id: AccountId::generate(),
        total: Money::new(Currency::KRW, total),
        points,
    }
}

fn open(total: i64, points: i64) -> Payment {
    Payment::open(&terms(total, points), Some(paid_with()), NOW)
}

fn approved() -> Outcome {
    Outcome::Approved { reference: "p".into() }
}

fn nothing_allocated() -> Allocations {
    Allocations(Vec::new())
}

fn captured(total: i64, points: i64) -> Payment {
    let mut payment = open(total, points);
    payment.conclude(UnderWay::Authorize, &approved(), NOW);
    payment.capture(&nothing_allocated(), total, NOW).unwrap();
    payment.conclude(UnderWay::Capture, &approved(), NOW);
    assert_eq!(payment.state, PaymentState::Captured);
    payment
}

fn assert_amounts_in_order(payment: &Payment) {
    assert!(payment.refunded >= 0 && payment.refunding >= 0);
    assert!(payment.refunded + payment.refunding <= payment.captured);
    assert!(payment.captured <= payment.authorized && payment.authorized <= payment.total);
    assert!(payment.refunded_external + payment.refunding_external <= payment.external);
    assert!((payment.under_way.is_none()) == payment.asked_at.is_none());
}

#[test]
fn without_an_external_leg_nobody_is_asked() {
    for (total, points) in [(0, 0), (50, 50)] {
        let mut payment = open(total, points);
        assert_eq!((payment.state, payment.open_key()), (PaymentState::Authorized, None));
        assert_eq!(payment.capture(&nothing_allocated(), total, NOW), Ok(Some(Turn::Captured)));
        assert_eq!((payment.state, payment.captured, payment.open_key()), (PaymentState::Captured, total, None));
    }
}

#[test]
fn a_void_waits_for_a_capture_and_stands_behind_it() {
    let mut payment = open(100, 0);
    payment.conclude(UnderWay::Authorize, &approved(), NOW);
    payment.capture(&nothing_allocated(), 100, NOW).unwrap();
    assert_eq!(payment.void(NOW), Voiding::CaptureDecides);
    payment.conclude(UnderWay::Capture, &Outcome::Unknown, NOW);
    assert_eq!((payment.void(NOW), payment.state), (Voiding::Stands, PaymentState::Unresolved));
    payment.conclude(UnderWay::Capture, &approved(), NOW);
    assert_eq!((payment.void(NOW), payment.state), (Voiding::Stands, PaymentState::Captured));
}

#[test]
fn an_authorisation_in_doubt_can_be_voided_and_its_late_answer_changes_nothing() {
    let mut payment = open(100, 0);
    payment.conclude(UnderWay::Authorize, &Outcome::Unknown, NOW);
    assert_eq!(payment.state, PaymentState::Unresolved);
    assert_eq!(payment.void(NOW), Voiding::Turned(Turn::Voided { provider_held: false }));
    assert_eq!(payment.open_key(), Some(ProviderKey::Void(payment.order_id)));
    assert_eq!(payment.conclude(UnderWay::Authorize, &approved(), NOW), None);
    assert_eq!(payment.state, PaymentState::Voided);
    assert_eq!(payment.conclude(UnderWay::Void, &approved(), NOW), Some(Turn::Quiet));
    assert_eq!(payment.open_key(), None);
}

#[test]
fn what_cannot_be_taken_is_let_go() {
    let refused = Outcome::Declined(DeclineReason::InsufficientFunds);
    let mut payment = open(100, 40);
    payment.conclude(UnderWay::Authorize, &approved(), NOW);
    payment.capture(&nothing_allocated(), 100, NOW).unwrap();
    assert_eq!(payment.conclude(UnderWay::Capture, &refused, NOW), Some(Turn::Declined));
    let mut called_unresolved = Payment { state: PaymentState::Unresolved, ..payment.clone() };
    assert_eq!(payment.open_key(), Some(ProviderKey::Void(payment.order_id)));
    assert_eq!(payment.void(NOW), Voiding::Stands);
    assert_eq!(payment.conclude(UnderWay::Void, &Outcome::Unknown, NOW), Some(Turn::Quiet));
    assert_eq!(payment.conclude(UnderWay::Void, &approved(), NOW), Some(Turn::Quiet));
    assert_eq!((payment.state, payment.open_key()), (PaymentState::Declined, None));

    // A version that did not know of voids after a refusal called it unresolved while its void was not answered.
    assert_eq!(called_unresolved.conclude(UnderWay::Void, &approved(), NOW), Some(Turn::Quiet));
    assert_eq!((called_unresolved.state, called_unresolved.open_key()), (PaymentState::Declined, None));

    // What was never held need not be let go.
    let mut payment = open(100, 40);
    assert_eq!(payment.conclude(UnderWay::Authorize, &refused, NOW), Some(Turn::Declined));
    assert_eq!(payment.open_key(), None);
}

#[test]
fn what_ended_cannot_be_asked_for_again() {
    let terms = terms(100, 0);
    let mut payment = Payment::ended(terms.order_id, Currency::KRW, NOW);
    let order_id = terms.order_id;
    assert_eq!(payment.answers(&terms), Err(PaymentRefusal::OrderEnded { order_id }));
    assert_eq!(payment.capture(&nothing_allocated(), 0, NOW), Err(PaymentRefusal::OrderEnded { order_id }));
    assert_eq!(payment.void(NOW), Voiding::Stands);
}

#[derive(Debug, Clone)]
enum Step {
    Capture,
    Void,
    Told(UnderWay, Outcome),
    Refund(i64, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let asked = prop_oneof![Just(UnderWay::Authorize), Just(UnderWay::Capture), Just(UnderWay::Void)];
    let outcome = prop_oneof![3 => Just(approved()), 1 => Just(Outcome::Declined(DeclineReason::Other)), 1 => Just(Outcome::Unknown)];
    let step = prop_oneof![
        3 => Just(Step::Capture),
        1 => Just(Step::Void),
        6 => (asked, outcome).prop_map(|(asked, outcome)| Step::Told(asked, outcome)),
        2 => (0..120_i64, any::<bool>()).prop_map(|(amount, succeeds)| Step::Refund(amount, succeeds)),
    ];
    prop::collection::vec(step, 0..30)
}

proptest! {
    #[test]
    fn facts_merge_in_any_order_and_money_is_taken_or_let_go_but_never_both(
        points in 0..100_i64,
        steps in steps(),
    ) {
        let mut payment = open(100, points);
        let (mut captures, mut voids) = (0, 0);
        for step in steps {
            let turn = match step {
                Step::Capture => payment.capture(&nothing_allocated(), 100, NOW).unwrap_or(None),
                Step::Void => match payment.void(NOW) {
                    Voiding::Turned(turn) => Some(turn),
                    Voiding::CaptureDecides | Voiding::Stands => None,
                },
                Step::Told(asked, outcome) => payment.conclude(asked, &outcome, NOW),
                Step::Refund(amount, succeeds) => {
                    if let Ok(legs) = payment.begin_refund(amount, NOW) {
                        assert_amounts_in_order(&payment);
                        if succeeds { payment.finish_refund(legs, NOW) } else { payment.cancel_refund(legs, NOW) }
                    }
                    None
                }
            };
            captures += i32::from(turn == Some(Turn::Captured));
            voids += i32::from(matches!(turn, Some(Turn::Voided { .. })));
            assert_amounts_in_order(&payment);
            prop_assert!(captures + voids <= 1);
            prop_assert_eq!(payment.captured > 0, captures == 1);
        }
    }

    #[test]
    fn r11_refunds_in_any_order_and_grouping_add_up_to_what_was_paid(
        points in 0..1_000_i64,
        external in 0..1_000_i64,
        amounts in prop::collection::vec((1..400_i64, any::<bool>()), 1..20),
    ) {
        let total = points + external;
        prop_assume!(external > 0);
        let mut payment = captured(total, points);
        let mut back = Legs { points: 0, external: 0 };
        for (amount, succeeds) in amounts {
            let amount = amount.min(total - payment.refunded);
            let legs = payment.begin_refund(amount, NOW).unwrap();
            prop_assert_eq!(legs.points + legs.external, amount);
            prop_assert!(legs.points >= 0 && legs.external >= 0);
            if succeeds {
                payment.finish_refund(legs, NOW);
                back = Legs { points: back.points + legs.points, external: back.external + legs.external };
                let share = i128::from(external) * i128::from(payment.refunded) / i128::from(total);
                // Failures in between never put a leg off its share, as long as refunds don't overlap.
                prop_assert_eq!(i128::from(back.external), share);
            } else {
                payment.cancel_refund(legs, NOW);
            }
            assert_amounts_in_order(&payment);
        }
        let rest = payment.captured - payment.refunded;
        let legs = payment.begin_refund(rest, NOW).unwrap();
        payment.finish_refund(legs, NOW);
        prop_assert_eq!(back.points + legs.points, points);
        prop_assert_eq!(back.external + legs.external, external);
        prop_assert_eq!(payment.state, PaymentState::Refunded);
        let nothing_left = PaymentRefusal::RefundExceedsCapture { order_id: payment.order_id, refundable: 0 };
        prop_assert_eq!(payment.begin_refund(1, NOW), Err(nothing_left));
    }

    #[test]
    fn r11_overlapping_refunds_of_which_some_fail_never_take_more_of_a_leg_than_it_paid(
        points in 0..200_i64,
        external in 1..200_i64,
        amounts in prop::collection::vec((0..80_i64, any::<bool>()), 1..20),
    ) {
        let total = points + external;
        let mut payment = captured(total, points);
        let mut under_way = Vec::new();
        for (amount, ends) in amounts {
            if let Ok(legs) = payment.begin_refund(amount, NOW) {
                prop_assert!(legs.points >= 0 && legs.external >= 0 && legs.points + legs.external == amount);
                under_way.push(legs);
            }
            if ends && !under_way.is_empty() {
                let legs = under_way.swap_remove(0);
                if amount % 2 == 0 { payment.cancel_refund(legs, NOW) } else { payment.finish_refund(legs, NOW) }
            }
            assert_amounts_in_order(&payment);
        }
        for legs in under_way {
            payment.finish_refund(legs, NOW);
        }
        let legs = payment.begin_refund(payment.captured - payment.refunded, NOW).unwrap();
        payment.finish_refund(legs, NOW);
        prop_assert_eq!((payment.refunded, payment.refunded_external), (total, external));
    }
}
