//! What the provider tells, and who only says to be the provider.

use bojagi_api::payment::*;
use bojagi_kernel::id::OrderId;
use bojagi_payment::provider::{DeclineReason as Why, Outcome, Provider, ProviderKey, Secret};
use bojagi_testkit::{Rig, eventually, reason};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::sync::Arc;

use crate::shop::{SECRET, Shop, Silent, approved, impatient, signed};

async fn with_silent_captures() -> Shop {
    let silent = Silent { answers: |key| matches!(key, ProviderKey::Authorize(_)) };
    Shop::with_provider(Rig::new(), impatient(), Arc::new(silent) as Arc<dyn Provider>).await
}

fn capture_key(payment: &Payment) -> ProviderKey {
    ProviderKey::Capture(payment.order_id.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_definite_word_decides_and_stands() {
    let shop = with_silent_captures().await;
    let mut customer = shop.customer();
    let declined = Outcome::Declined(Why::InsufficientFunds);
    for (first, second, state) in
        [(approved(), declined.clone(), PaymentState::Captured), (declined, approved(), PaymentState::Declined)]
    {
        let payment = shop.captured(&mut customer, "tok_approve", 100, 0).await;
        assert_eq!(payment.state(), PaymentState::Unresolved);
        for outcome in [&first, &first, &second, &first] {
            let event = signed(&capture_key(&payment), outcome.clone());
            shop.anybody().ingest_provider_event(event).await.unwrap();
            assert_eq!(shop.look(&payment.order_id).await.state(), state);
        }
    }
    assert_eq!(shop.told::<PaymentCaptured>().await.len(), 1);
    assert_eq!(shop.told::<PaymentDeclined>().await.len(), 1);
    assert_eq!(shop.told::<PaymentDeclined>().await[0].reason(), DeclineReason::InsufficientFunds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_asked_is_not_taken_over() {
    let shop = with_silent_captures().await;
    let mut customer = shop.customer();
    let payment = shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    shop.anybody().ingest_provider_event(signed(&capture_key(&payment), approved())).await.unwrap();
    assert_eq!(shop.look(&payment.order_id).await.state(), PaymentState::Authorized);
    let unknown = ProviderKey::Capture(OrderId::generate());
    let refused = shop.anybody().ingest_provider_event(signed(&unknown, approved())).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::NotFound, "PROVIDER_PAYMENT_UNKNOWN"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_provider_is_believed() {
    let shop = with_silent_captures().await;
    let mut customer = shop.customer();
    let payment = shop.captured(&mut customer, "tok_approve", 100, 0).await;
    let right = signed(&capture_key(&payment), approved());
    let other_body = signed(&capture_key(&payment), Outcome::Declined(Why::Other)).body;
    let forged = [
        IngestProviderEventRequest { signature: String::new(), ..right.clone() },
        IngestProviderEventRequest { signature: "sha256=00".into(), ..right.clone() },
        IngestProviderEventRequest { signature: Secret::from("guessed").sign(&right.body), ..right.clone() },
        IngestProviderEventRequest { body: other_body, ..right.clone() },
        IngestProviderEventRequest { body: Vec::new(), ..right.clone() },
    ];
    for request in forged {
        let refused = shop.anybody().ingest_provider_event(request).await.unwrap_err();
        let expected = (tonic::Code::Unauthenticated, "PROVIDER_SIGNATURE_INVALID");
        assert_eq!((refused.code(), reason(&refused).as_str()), expected);
    }
    for malformed in ["", "{}", "not json", r#"{"key":"capture-1","outcome":"approved","reference":"x"}"#] {
        let body = malformed.as_bytes().to_vec();
        let signature = Secret::from(SECRET).sign(&body);
        let request = IngestProviderEventRequest { body, signature };
        let refused = shop.anybody().ingest_provider_event(request).await.unwrap_err();
        let expected = (tonic::Code::InvalidArgument, "PROVIDER_EVENT_MALFORMED");
        assert_eq!((refused.code(), reason(&refused).as_str()), expected, "{malformed}");
    }
    for reference in ["", "p\0", &"p".repeat(256)] {
        let event = signed(&capture_key(&payment), Outcome::Approved { reference: reference.into() });
        let refused = shop.anybody().ingest_provider_event(event).await.unwrap_err();
        assert_eq!(reason(&refused), "PROVIDER_EVENT_MALFORMED", "{reference:?}");
    }
    let too_large = IngestProviderEventRequest { body: vec![0; 64 * 1024 + 1], signature: "x".repeat(1_025) };
    assert_eq!(reason(&shop.anybody().ingest_provider_event(too_large).await.unwrap_err()), "INVALID_ARGUMENT");
    assert_eq!(shop.look(&payment.order_id).await.state(), PaymentState::Unresolved);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_listener_says_what_came_of_each_post() {
    let rig = Rig::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let silent = Silent { answers: |key| matches!(key, ProviderKey::Authorize(_)) };
    let shop = Shop::with_listener(rig, Arc::new(silent), listener).await;
    let mut customer = shop.customer();
    let payment = shop.captured(&mut customer, "tok_approve", 100, 0).await;

    let event = signed(&capture_key(&payment), approved());
    let unknown = signed(&ProviderKey::Void(OrderId::generate()), approved());
    let garbage =
        IngestProviderEventRequest { signature: Secret::from(SECRET).sign(b"garbage"), body: b"garbage".to_vec() };
    let large = IngestProviderEventRequest { body: vec![b' '; 70_000], ..event.clone() };
    let forged = IngestProviderEventRequest { signature: "sha256=00".into(), ..event.clone() };
    for (method, path, request, expected) in [
        ("POST", "/elsewhere", &event, 404),
        ("GET", "/provider-events", &event, 405),
        ("POST", "/provider-events", &forged, 401),
        ("POST", "/provider-events", &garbage, 400),
        ("POST", "/provider-events", &unknown, 404),
        ("POST", "/provider-events", &large, 413),
        ("POST", "/provider-events", &event, 204),
        ("POST", "/provider-events", &event, 204),
    ] {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let sent = http::Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"))
            .header("provider-signature", &request.signature)
            .body(Full::from(request.body.clone()))
            .unwrap();
        assert_eq!(client.request(sent).await.unwrap().status(), expected, "{method} {path}");
    }
    eventually("the event is taken over", async || {
        shop.look(&payment.order_id).await.state() == PaymentState::Captured
    })
    .await;
}
