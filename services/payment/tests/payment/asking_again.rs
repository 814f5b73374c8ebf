//! Lost answers, repeated asks, and facts that come twice: one capture, one refund, one fact.

use bojagi_api::payment::*;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_payment::Config;
use bojagi_payment::provider::ProviderKey;
use bojagi_testkit::{eventually, reason};

use crate::on_both_providers;
use crate::shop::{Shop, approved, config, signed};

on_both_providers! {
    r8_webhooks_and_answers_race_to_one_capture,
    sixty_four_asks_at_once_are_one,
}

async fn r8_webhooks_and_answers_race_to_one_capture(shop: Shop) {
    let mut customer = shop.customer();
    let method = customer.method("tok_duplicate_webhooks").await;
    let orders: Vec<String> = (0..16).map(|_| OrderId::generate().to_string()).collect();
    let customer = &customer;
    let (shop, method) = (&shop, &method);
    futures::future::join_all(orders.iter().map(async |order_id| {
        let payment = shop.authorize(customer, order_id, method, 100, 0).await.unwrap();
        assert_eq!(payment.state(), PaymentState::Authorized);
        // The provider's own events come in as well, and these on top of them, before, with and after the answer.
        let key = ProviderKey::Capture(order_id.parse().unwrap());
        let (mut one, mut other) = (shop.anybody(), shop.anybody());
        let (captured, early, late) = tokio::join!(
            shop.capture(&payment),
            one.ingest_provider_event(signed(&key, approved())),
            other.ingest_provider_event(signed(&key, approved())),
        );
        assert_eq!(captured.unwrap().state(), PaymentState::Captured);
        assert!(early.is_ok() && late.is_ok());
    }))
    .await;

    for order_id in &orders {
        let statement = shop.statement(order_id);
        assert_eq!((statement.captures, statement.captured, statement.refunds), (1, 100, 0));
        assert_eq!(shop.look(order_id).await.state(), PaymentState::Captured);
    }
    assert_eq!(shop.told::<PaymentCaptured>().await.len(), 16);
    assert_eq!(shop.told::<PaymentAuthorized>().await.len(), 16);
    assert_eq!(shop.told::<PaymentRefunded>().await.len(), 0);
}

/// Long enough for an answer on a busy machine, short enough to wait for one that is lost.
fn lost_after_seconds() -> Config {
    Config { provider_timeout_ms: 4_000, simulator_slow_ms: 20, ..config() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_a_lost_answer_is_found_by_asking_again_with_the_same_key_in_process() {
    a_lost_answer_is_found(Shop::in_process_with(lost_after_seconds()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_a_lost_answer_is_found_by_asking_again_with_the_same_key_over_http() {
    a_lost_answer_is_found(Shop::over_http_with(lost_after_seconds()).await).await;
}

async fn a_lost_answer_is_found(shop: Shop) {
    let mut customer = shop.customer();
    let payment = shop.authorized(&mut customer, "tok_timeout_after_success", 100, 0).await;
    assert_eq!(payment.state(), PaymentState::Authorized);
    let order_id: OrderId = payment.order_id.parse().unwrap();

    let captured = shop.capture(&payment).await.unwrap();
    assert_eq!(captured.state(), PaymentState::Captured);
    assert_eq!(shop.simulator.asked(&ProviderKey::Capture(order_id)), 2);

    let refund_id = Uuid::now_v7();
    let refunded = shop.refund(&payment, refund_id, 100).await.unwrap();
    assert_eq!(refunded.refund.unwrap().state(), RefundState::Succeeded);
    assert_eq!(refunded.payment.unwrap().state(), PaymentState::Refunded);
    assert_eq!(shop.simulator.asked(&ProviderKey::Refund(refund_id.into(), 1)), 2);
    assert_eq!(shop.refund(&payment, refund_id, 100).await.unwrap().refund.unwrap().state(), RefundState::Succeeded);

    let statement = shop.statement(&payment.order_id);
    assert_eq!((statement.captures, statement.captured), (1, 100));
    assert_eq!((statement.refunds, statement.refunded), (1, 100));
    assert_eq!(shop.told::<PaymentCaptured>().await.len(), 1);
    assert_eq!(shop.told::<PaymentRefunded>().await.len(), 1);
}

async fn sixty_four_asks_at_once_are_one(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(40).await;
    let method = customer.method("tok_slow").await;
    let order_id = OrderId::generate().to_string();
    let (shop, order_id, customer_ref, method) = (&shop, order_id.as_str(), &customer, method.as_str());

    let asks = (0..64).map(|_| shop.authorize(customer_ref, order_id, method, 100, 40));
    let authorized: Vec<Payment> = futures::future::try_join_all(asks).await.unwrap();
    assert!(authorized.iter().all(|payment| payment.state() == PaymentState::Authorized));
    assert!(authorized.iter().all(|payment| payment.id == authorized[0].id));

    let captured = futures::future::try_join_all((0..64).map(|_| shop.capture(&authorized[0]))).await.unwrap();
    assert!(captured.iter().all(|payment| payment.state() == PaymentState::Captured));
    let refund_id = Uuid::now_v7();
    let refunds = (0..64).map(|_| shop.refund(&authorized[0], refund_id, 30));
    let refunds = futures::future::try_join_all(refunds).await.unwrap();
    assert!(refunds.iter().all(|answer| answer.refund.as_ref().unwrap().state() == RefundState::Succeeded));

    let statement = shop.statement(order_id);
    assert_eq!((statement.captures, statement.captured), (1, 60));
    assert_eq!((statement.refunds, statement.refunded), (1, 18));
    assert_eq!(shop.told::<PaymentAuthorized>().await.len(), 1);
    assert_eq!(shop.told::<PaymentCaptured>().await.len(), 1);
    assert_eq!(shop.told::<PaymentRefunded>().await.len(), 1);
    assert_eq!(customer.points().await, (12, 0));
}

#[tokio::test]
async fn another_ask_for_the_same_order_is_refused() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let method = customer.method("tok_approve").await;
    let payment = shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    let more = shop.authorize(&customer, &payment.order_id, &method, 101, 0).await.unwrap_err();
    assert_eq!((more.code(), reason(&more).as_str()), (tonic::Code::InvalidArgument, "PAYMENT_MISMATCH"));
    let stranger = shop.customer();
    let theirs = shop.authorize(&stranger, &payment.order_id, &method, 100, 0).await.unwrap_err();
    assert_eq!(reason(&theirs), "PAYMENT_MISMATCH");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_is_seen_through_when_the_caller_goes_away() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let payment = shop.authorized(&mut customer, "tok_slow", 100, 0).await;
    let mut request = tonic::Request::new(CaptureRequest {
        order_id: payment.order_id.clone(),
        allocations: vec![crate::shop::line(100)],
    });
    request.set_timeout(std::time::Duration::from_millis(10));
    let gone = shop.order().capture(request).await.unwrap_err();
    assert_eq!(gone.code(), tonic::Code::DeadlineExceeded);
    eventually("the capture is there all the same", async || {
        shop.look(&payment.order_id).await.state() == PaymentState::Captured
    })
    .await;
}
