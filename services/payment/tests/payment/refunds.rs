//! Money that goes back.

use bojagi_api::payment::*;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_payment::provider::ProviderKey;
use bojagi_testkit::{eventually, reason};

use crate::on_both_providers;
use crate::shop::{Shop, line, minor, won};

on_both_providers! {
    r11_refunds_of_any_size_add_up_to_both_legs,
    a_refund_that_the_provider_refuses_can_be_attempted_again,
}

async fn r11_refunds_of_any_size_add_up_to_both_legs(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(33).await;
    let payment = shop.captured(&mut customer, "tok_approve", 100, 33).await;
    let mut back = (0, 0);
    for amount in [1, 10, 7, 0, 49, 33] {
        let answer = shop.refund(&payment, Uuid::now_v7(), amount).await.unwrap();
        let refund = answer.refund.unwrap();
        assert_eq!(minor(&refund.points) + minor(&refund.external), amount);
        back = (back.0 + minor(&refund.points), back.1 + minor(&refund.external));
        // The external leg has got back the floor of its share of all that went back so far.
        assert_eq!(back.1, (back.0 + back.1) * 67 / 100);
        let partly = if back.0 + back.1 == 100 { PaymentState::Refunded } else { PaymentState::PartiallyRefunded };
        assert_eq!(answer.payment.unwrap().state(), partly);
    }
    assert_eq!(back, (33, 67));
    assert_eq!(shop.statement(&payment.order_id).refunded, 67);
    assert_eq!(customer.points().await, (33, 0));
    assert_eq!(customer.entries().await.iter().filter(|entry| entry.0 == WalletEntryKind::Refund).count(), 5);

    let facts = shop.told::<PaymentRefunded>().await;
    assert_eq!(facts.iter().map(|fact| minor(&fact.points) + minor(&fact.external)).sum::<i64>(), 100);
    assert_eq!(facts[1].allocations, [line(10)]);
    assert_eq!(facts[1].reason, "CANCELLED_BY_CUSTOMER");
    assert_eq!(facts[1].captured_at, payment.captured_at);
    let too_much = shop.refund(&payment, Uuid::now_v7(), 1).await.unwrap_err();
    assert_eq!(reason(&too_much), "REFUND_EXCEEDS_CAPTURE");
}

async fn a_refund_that_the_provider_refuses_can_be_attempted_again(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(50).await;
    let payment = shop.captured(&mut customer, "tok_refund_fails", 100, 50).await;
    let refund_id = Uuid::now_v7();
    for attempt in 1..=2 {
        let answer = shop.refund(&payment, refund_id, 60).await.unwrap();
        assert_eq!(answer.refund.unwrap().state(), RefundState::Failed);
        let payment = answer.payment.unwrap();
        assert_eq!((minor(&payment.refunding), minor(&payment.refunded)), (0, 0));
        assert_eq!(payment.state(), PaymentState::Captured);
        assert_eq!(shop.simulator.asked(&ProviderKey::Refund(refund_id.into(), attempt)), 1);
    }
    assert_eq!(customer.points().await, (0, 0));
    assert_eq!(shop.told::<PaymentRefunded>().await.len(), 0);
}

#[tokio::test]
async fn an_order_without_cost_is_refunded_with_nothing() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let payment = shop.captured(&mut customer, "", 0, 0).await;
    let answer = shop.refund(&payment, Uuid::now_v7(), 0).await.unwrap();
    assert_eq!(answer.refund.unwrap().state(), RefundState::Succeeded);
    assert_eq!(answer.payment.unwrap().state(), PaymentState::Refunded);
    assert_eq!(shop.told::<PaymentRefunded>().await.len(), 1);
}

#[tokio::test]
async fn a_refund_that_does_not_fit_is_refused() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let held = shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    assert_eq!(reason(&shop.refund(&held, Uuid::now_v7(), 1).await.unwrap_err()), "PAYMENT_NOT_CAPTURED");
    let unknown = Payment { order_id: OrderId::generate().to_string(), ..held.clone() };
    assert_eq!(reason(&shop.refund(&unknown, Uuid::now_v7(), 1).await.unwrap_err()), "PAYMENT_NOT_FOUND");
    shop.void(&unknown.order_id).await;
    assert_eq!(reason(&shop.refund(&unknown, Uuid::now_v7(), 1).await.unwrap_err()), "PAYMENT_NOT_FOUND");

    let payment = shop.capture(&held).await.unwrap();
    let refund_id = Uuid::now_v7();
    let right = RefundRequest {
        order_id: payment.order_id.clone(),
        refund_id: refund_id.to_string(),
        amount: won(40),
        allocations: vec![line(30), line(10)],
        reason: "DAMAGED".into(),
    };
    let wrong_sum = RefundRequest { allocations: vec![line(30)], ..right.clone() };
    assert_eq!(reason(&shop.order().refund(wrong_sum).await.unwrap_err()), "ALLOCATION_MISMATCH");
    shop.order().refund(right.clone()).await.unwrap();
    for other in [
        RefundRequest { amount: won(41), ..right.clone() },
        RefundRequest { allocations: vec![line(10), line(30)], ..right.clone() },
        RefundRequest { reason: "LATE".into(), ..right.clone() },
    ] {
        let refused = shop.order().refund(other).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::InvalidArgument, "REFUND_MISMATCH"));
    }
    let repeated = shop.order().refund(right).await.unwrap().into_inner();
    assert_eq!(repeated.refund.unwrap().state(), RefundState::Succeeded);
    assert_eq!(minor(&repeated.payment.unwrap().refunded), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_without_an_answer_counts_as_under_way_until_there_is_one() {
    let rig = bojagi_testkit::Rig::new();
    let silent = crate::shop::Silent { answers: |key| !matches!(key, ProviderKey::Refund(..)) };
    let shop = Shop::with_provider(rig, crate::shop::impatient(), std::sync::Arc::new(silent)).await;
    let mut customer = shop.customer();
    let payment = shop.captured(&mut customer, "tok_approve", 100, 0).await;
    let refund_id = Uuid::now_v7();
    let answer = shop.refund(&payment, refund_id, 60).await.unwrap();
    assert_eq!(answer.refund.unwrap().state(), RefundState::Pending);
    assert_eq!(minor(&answer.payment.unwrap().refunding), 60);
    assert_eq!(reason(&shop.refund(&payment, Uuid::now_v7(), 60).await.unwrap_err()), "REFUND_EXCEEDS_CAPTURE");
    let request = SyncPaymentRequest { payment_id: payment.id.clone() };
    let refused = shop.admin().sync_payment(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::Unavailable, "PROVIDER_UNAVAILABLE"));

    let key = ProviderKey::Refund(refund_id.into(), 1);
    shop.anybody().ingest_provider_event(crate::shop::signed(&key, crate::shop::approved())).await.unwrap();
    eventually("the webhook settles it", async || minor(&shop.look(&payment.order_id).await.refunded) == 60).await;
}
