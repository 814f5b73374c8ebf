//! What becomes of a payment, by what the provider says.

use std::sync::Arc;

use bojagi_api::payment::*;
use bojagi_kernel::Failure;
use bojagi_kernel::id::OrderId;
use bojagi_payment::provider::{
    DeclineReason as Why, Instruction, Knowledge, Outcome, Provider, ProviderKey, ProviderToken,
};
use bojagi_testkit::{Rig, eventually, reason};
use futures::future::BoxFuture;

use crate::on_both_providers;
use crate::shop::{Shop, config, line, minor, simulator};

on_both_providers! {
    two_legs_are_held_and_taken_together,
    a_decline_lets_everything_go,
    a_slow_yes_is_a_yes,
    a_void_lets_go_at_the_provider_too,
    unresolved_until_an_operator_asks,
    unresolved_until_the_provider_tells,
}

async fn two_legs_are_held_and_taken_together(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(500).await;
    let payment = shop.authorized(&mut customer, "tok_approve", 1_200, 300).await;
    assert_eq!(payment.state(), PaymentState::Authorized);
    assert_eq!((minor(&payment.authorized), minor(&payment.captured)), (1_200, 0));
    assert_eq!(payment.method.as_ref().unwrap().last_four, "4242");
    assert_eq!(customer.points().await, (200, 300));

    let payment = shop.capture(&payment).await.unwrap();
    assert_eq!((payment.state(), minor(&payment.captured)), (PaymentState::Captured, 1_200));
    assert_eq!(customer.points().await, (200, 0));
    let statement = shop.statement(&payment.order_id);
    assert_eq!((statement.captured, statement.captures), (900, 1));
    let entries = [(WalletEntryKind::Use, 300, 200), (WalletEntryKind::Charge, 500, 500)];
    assert_eq!(customer.entries().await, entries);

    let authorized = shop.told::<PaymentAuthorized>().await;
    assert_eq!((minor(&authorized[0].points), minor(&authorized[0].external)), (300, 900));
    let captured = shop.told::<PaymentCaptured>().await;
    assert_eq!(captured.len(), 1);
    assert_eq!((minor(&captured[0].points), minor(&captured[0].external)), (300, 900));
    assert_eq!(captured[0].allocations, [line(1_200)]);
    assert_eq!(captured[0].captured_at, payment.captured_at);
}

async fn a_decline_lets_everything_go(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(500).await;
    let cases = [
        ("tok_decline_insufficient_funds", DeclineReason::InsufficientFunds),
        ("tok_decline_lost_card", DeclineReason::LostCard),
    ];
    for (told, (token, why)) in cases.into_iter().enumerate() {
        let payment = shop.authorized(&mut customer, token, 1_000, 300).await;
        assert_eq!((payment.state(), payment.decline_reason()), (PaymentState::Declined, why));
        assert_eq!(customer.points().await, (500, 0));
        assert_eq!(shop.told::<PaymentDeclined>().await[told].reason(), why);

        // Refused for good: neither taken nor asked again.
        assert_eq!(shop.capture(&payment).await.unwrap().state(), PaymentState::Declined);
        assert_eq!(shop.void(&payment.order_id).await.state(), PaymentState::Declined);
    }
    assert_eq!(customer.points().await, (500, 0));
}

async fn a_slow_yes_is_a_yes(shop: Shop) {
    let mut customer = shop.customer();
    let payment = shop.captured(&mut customer, "tok_slow", 700, 0).await;
    assert_eq!(payment.state(), PaymentState::Captured);
}

async fn a_void_lets_go_at_the_provider_too(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(100).await;
    let payment = shop.authorized(&mut customer, "tok_approve", 300, 100).await;
    assert_eq!(shop.void(&payment.order_id).await.state(), PaymentState::Voided);
    assert_eq!(customer.points().await, (100, 0));
    eventually("the provider lets go", async || shop.statement(&payment.order_id).voided).await;

    let voided = shop.told::<PaymentVoided>().await;
    assert_eq!((minor(&voided[0].points), minor(&voided[0].external)), (100, 200));
    let refused = shop.capture(&payment).await.unwrap_err();
    assert_eq!(reason(&refused), "ORDER_ENDED");
    assert_eq!(shop.statement(&payment.order_id).captures, 0);
}

async fn unresolved_until_an_operator_asks(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(100).await;
    let payment = shop.captured(&mut customer, "tok_unresolved", 300, 100).await;
    assert_eq!(payment.state(), PaymentState::Unresolved);
    assert_eq!(customer.points().await, (0, 100));
    assert_eq!(shop.void(&payment.order_id).await.state(), PaymentState::Unresolved);
    assert_eq!(shop.capture(&payment).await.unwrap().state(), PaymentState::Unresolved);
    assert_eq!(shop.told::<PaymentUnresolved>().await.len(), 1);

    let request = SyncPaymentRequest { payment_id: payment.id };
    let synced = shop.admin().sync_payment(request.clone()).await.unwrap().into_inner();
    assert!(synced.changed);
    assert_eq!(synced.payment.unwrap().state(), PaymentState::Captured);
    assert_eq!(customer.points().await, (0, 0));
    assert!(!shop.admin().sync_payment(request).await.unwrap().into_inner().changed);
    assert_eq!((shop.told::<PaymentCaptured>().await.len(), shop.statement(&payment.order_id).captures), (1, 1));
}

async fn unresolved_until_the_provider_tells(shop: Shop) {
    let mut customer = shop.customer();
    let payment = shop.captured(&mut customer, "tok_unresolved", 300, 0).await;
    assert_eq!(payment.state(), PaymentState::Unresolved);
    let order_id: OrderId = payment.order_id.parse().unwrap();
    assert!(shop.simulator.tell(&ProviderKey::Capture(order_id)));
    eventually("the webhook decides", async || shop.look(&payment.order_id).await.state() == PaymentState::Captured)
        .await;
    assert_eq!(shop.told::<PaymentCaptured>().await.len(), 1);
}

/// A provider that holds what it then refuses to take.
struct Reluctant(Arc<dyn Provider>);

impl Provider for Reluctant {
    fn perform<'a>(&'a self, instruction: &'a Instruction) -> BoxFuture<'a, Outcome> {
        match instruction.key {
            ProviderKey::Capture(_) => Box::pin(std::future::ready(Outcome::Declined(Why::InsufficientFunds))),
            _ => self.0.perform(instruction),
        }
    }

    fn look_up<'a>(&'a self, key: &'a ProviderKey) -> BoxFuture<'a, Knowledge> {
        self.0.look_up(key)
    }

    fn knows<'a>(&'a self, token: &'a ProviderToken) -> BoxFuture<'a, Result<bool, Failure>> {
        self.0.knows(token)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_provider_refuses_to_take_it_is_told_to_let_go() {
    let (simulator, _events) = simulator();
    let provider = Arc::new(Reluctant(Arc::clone(&simulator) as Arc<dyn Provider>));
    let shop = Shop::with_provider(Rig::new(), config(), provider).await;
    let mut customer = shop.customer();
    let payment = shop.captured(&mut customer, "tok_approve", 300, 0).await;
    assert_eq!((payment.state(), payment.decline_reason()), (PaymentState::Declined, DeclineReason::InsufficientFunds));
    let held = ProviderKey::Authorize(payment.order_id.parse().unwrap());
    eventually("the provider lets go", async || simulator.statement(&held).unwrap().voided).await;
    assert_eq!(shop.void(&payment.order_id).await.state(), PaymentState::Declined);
    assert_eq!((shop.told::<PaymentDeclined>().await.len(), shop.told::<PaymentVoided>().await.len()), (1, 0));
}

#[tokio::test]
async fn points_alone_and_nothing_at_all_need_no_provider() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    customer.charge(500).await;
    for (total, left) in [(500, 0), (0, 0)] {
        let payment = shop.captured(&mut customer, "", total, total).await;
        assert_eq!((payment.state(), minor(&payment.captured)), (PaymentState::Captured, total));
        assert_eq!(payment.method, None);
        assert_eq!(customer.points().await, (left, 0));
        assert_eq!(shop.statement(&payment.order_id), Default::default());
        assert_eq!(shop.capture(&payment).await.unwrap().state(), PaymentState::Captured);
    }
    let captured = shop.told::<PaymentCaptured>().await;
    assert_eq!(captured.iter().map(|fact| minor(&fact.points)).collect::<Vec<_>>(), [500, 0]);
}

#[tokio::test]
async fn what_cannot_be_paid_is_declined_and_stays_so() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    customer.charge(99).await;
    let payment = shop.authorized(&mut customer, "tok_approve", 300, 100).await;
    assert_eq!(payment.decline_reason(), DeclineReason::PointsNotEnough);
    assert_eq!(customer.points().await, (99, 0));
    customer.charge(1).await;
    let method = customer.method("tok_approve").await;
    let again = shop.authorize(&customer, &payment.order_id, &method, 300, 100).await.unwrap();
    assert_eq!((again.state(), again.id), (PaymentState::Declined, payment.id));

    let mut stranger = shop.customer();
    let not_theirs = stranger.method("tok_approve").await;
    for method in [OrderId::generate().to_string(), not_theirs] {
        let order_id = OrderId::generate().to_string();
        let payment = shop.authorize(&customer, &order_id, &method, 300, 100).await.unwrap();
        assert_eq!(payment.decline_reason(), DeclineReason::PaymentMethodNotFound);
    }
    assert_eq!(customer.points().await, (100, 0));
}

#[tokio::test]
async fn a_void_without_a_payment_ends_the_order() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let method = customer.method("tok_approve").await;
    let order_id = OrderId::generate().to_string();
    for _ in 0..2 {
        let answer = shop.void(&order_id).await;
        assert_eq!((answer.state(), answer.payment), (PaymentState::Voided, None));
    }
    let refused = shop.authorize(&customer, &order_id, &method, 300, 0).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::FailedPrecondition, "ORDER_ENDED"));
    let request = CaptureRequest { order_id: order_id.clone(), allocations: vec![line(0)] };
    assert_eq!(reason(&shop.order().capture(request).await.unwrap_err()), "ORDER_ENDED");
    let voided = shop.told::<PaymentVoided>().await;
    assert_eq!(voided.len(), 1);
    assert_eq!((voided[0].customer_id.as_str(), &voided[0].points, &voided[0].external), ("", &None, &None));

    let key = Some(get_payment_request::Key::OrderId(order_id));
    assert_eq!(reason(&shop.admin().get_payment(GetPaymentRequest { key }).await.unwrap_err()), "PAYMENT_NOT_FOUND");
}
