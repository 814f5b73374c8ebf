use super::*;

use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Currency, Money};

use crate::provider::{ProviderToken, RefundId};

fn instruction(key: ProviderKey, order_id: OrderId, token: &str, amount: i64) -> Instruction {
    Instruction {
        key,
        payment: ProviderKey::Authorize(order_id),
        token: ProviderToken::parse(token).unwrap(),
        amount: Money::new(Currency::KRW, amount),
    }
}

fn is_approved(recorded: &Recorded) -> bool {
    matches!(recorded.outcome, Outcome::Approved { .. })
}

#[test]
fn a_key_is_done_once() {
    let (mut book, order_id) = (Book::default(), OrderId::generate());
    let authorize = instruction(ProviderKey::Authorize(order_id), order_id, "tok_approve", 100);
    let capture = instruction(ProviderKey::Capture(order_id), order_id, "tok_approve", 100);
    assert!(is_approved(&book.perform(&authorize)));
    for _ in 0..3 {
        assert!(is_approved(&book.perform(&capture)));
    }
    let statement = book.statement(&authorize.key).unwrap();
    assert_eq!((statement.captured, statement.captures), (100, 1));
    assert_eq!(book.recall(&capture.key).unwrap().asked, 3);
}

#[test]
fn what_was_let_go_is_neither_held_nor_taken_even_if_the_authorisation_comes_late() {
    let (mut book, order_id) = (Book::default(), OrderId::generate());
    let with = |key| instruction(key, order_id, "tok_approve", 100);
    assert!(is_approved(&book.perform(&with(ProviderKey::Void(order_id)))));
    assert!(!is_approved(&book.perform(&with(ProviderKey::Authorize(order_id)))));
    assert!(!is_approved(&book.perform(&with(ProviderKey::Capture(order_id)))));
}

#[test]
fn what_was_taken_cannot_be_let_go_and_goes_back_once() {
    let (mut book, order_id) = (Book::default(), OrderId::generate());
    let with = |key, amount| instruction(key, order_id, "tok_approve", amount);
    book.perform(&with(ProviderKey::Authorize(order_id), 100));
    assert!(!is_approved(&book.perform(&with(ProviderKey::Capture(order_id), 101))));
    let (mut book, order_id) = (Book::default(), OrderId::generate());
    let with = |key, amount| instruction(key, order_id, "tok_approve", amount);
    book.perform(&with(ProviderKey::Authorize(order_id), 100));
    book.perform(&with(ProviderKey::Capture(order_id), 100));
    assert!(!is_approved(&book.perform(&with(ProviderKey::Void(order_id), 100))));
    assert!(is_approved(&book.perform(&with(ProviderKey::Refund(RefundId::generate(), 1), 60))));
    assert!(!is_approved(&book.perform(&with(ProviderKey::Refund(RefundId::generate(), 1), 60))));
}

#[test]
fn a_payment_that_is_not_remembered_is_judged_by_its_token() {
    let (mut book, order_id) = (Book::default(), OrderId::generate());
    let refund = ProviderKey::Refund(RefundId::generate(), 1);
    assert!(is_approved(&book.perform(&instruction(refund, order_id, "tok_approve", 60))));
    let failing = ProviderKey::Refund(RefundId::generate(), 1);
    assert!(!is_approved(&book.perform(&instruction(failing, order_id, "tok_refund_fails", 60))));
    assert!(!is_approved(&book.perform(&instruction(ProviderKey::Capture(order_id), order_id, "tok_unknown", 60))));
}

#[test]
fn what_was_taken_in_another_process_goes_back_here() {
    let (mut here, mut there, order_id) = (Book::default(), Book::default(), OrderId::generate());
    let with = |key, amount| instruction(key, order_id, "tok_approve", amount);
    assert!(is_approved(&here.perform(&with(ProviderKey::Authorize(order_id), 100))));
    assert!(is_approved(&there.perform(&with(ProviderKey::Capture(order_id), 100))));
    for amount in [60, 40] {
        assert!(is_approved(&here.perform(&with(ProviderKey::Refund(RefundId::generate(), 1), amount))));
    }
    let statement = here.statement(&ProviderKey::Authorize(order_id)).unwrap();
    assert_eq!((statement.refunded, statement.refunds, statement.captures), (100, 2, 0));
    // Where it was taken, it is known how much that was.
    assert!(is_approved(&there.perform(&with(ProviderKey::Refund(RefundId::generate(), 1), 100))));
    assert!(!is_approved(&there.perform(&with(ProviderKey::Refund(RefundId::generate(), 1), 1))));
}

#[test]
fn what_was_taken_before_a_restart_goes_back_in_parts() {
    let (mut book, order_id) = (Book::default(), OrderId::generate());
    for amount in [60, 40] {
        let refund = instruction(ProviderKey::Refund(RefundId::generate(), 1), order_id, "tok_approve", amount);
        assert!(is_approved(&book.perform(&refund)));
    }
}

#[test]
fn the_oldest_are_forgotten_and_those_in_use_are_not() {
    let mut generations = Generations::<u8>::default();
    let (kept, forgotten) = (ProviderKey::Void(OrderId::generate()), ProviderKey::Void(OrderId::generate()));
    *generations.entry(kept) = 1;
    *generations.entry(forgotten) = 2;
    for round in 0..2 * REMEMBERED {
        generations.insert(ProviderKey::Void(OrderId::generate()), 0);
        if round % 1_000 == 0 {
            generations.entry(kept);
        }
    }
    assert_eq!(generations.get(&kept), Some(&1));
    assert_eq!(generations.get(&forgotten), None);
}
