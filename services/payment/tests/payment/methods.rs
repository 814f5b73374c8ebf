//! Payment methods.

use std::sync::Arc;

use bojagi_api::payment::*;
use bojagi_kernel::reexport::Uuid;
use bojagi_payment::provider::HttpProvider;
use bojagi_testkit::reason;
use tokio::net::TcpListener;

use crate::on_both_providers;
use crate::shop::{Customer, Shop, config};

on_both_providers! {
    the_first_method_is_the_default_until_another_is,
    a_token_that_the_provider_does_not_know_is_refused,
}

fn method(token: &str) -> AddPaymentMethodRequest {
    AddPaymentMethodRequest {
        request_id: Uuid::now_v7().to_string(),
        provider_token: token.into(),
        r#type: PaymentMethodType::DebitCard.into(),
        issuer: "Bank".into(),
        last_four: "0007".into(),
    }
}

async fn listed(customer: &mut Customer) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListPaymentMethodsRequest { page_size: 2, page_token };
        let page = customer.methods.list_payment_methods(request).await.unwrap().into_inner();
        assert!(page.payment_methods.len() <= 2);
        all.extend(page.payment_methods.into_iter().map(|method| (method.id, method.is_default)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

async fn the_first_method_is_the_default_until_another_is(shop: Shop) {
    let mut customer = shop.customer();
    let tokens = ["tok_approve", "tok_slow", "tok_refund_fails", "tok_unresolved", "tok_duplicate_webhooks"];
    let mut ids = Vec::new();
    for token in tokens {
        ids.push(customer.method(token).await);
    }
    let in_order = |order: [usize; 5]| order.map(|index| (ids[index].clone(), index == order[0])).to_vec();
    assert_eq!(listed(&mut customer).await, in_order([0, 4, 3, 2, 1]));

    let request = SetDefaultPaymentMethodRequest { payment_method_id: ids[2].clone() };
    let answer = customer.methods.set_default_payment_method(request).await.unwrap().into_inner();
    assert!(answer.payment_method.unwrap().is_default);
    assert_eq!(listed(&mut customer).await, in_order([2, 4, 3, 1, 0]));

    let request = RemovePaymentMethodRequest { payment_method_id: ids[2].clone() };
    customer.methods.remove_payment_method(request.clone()).await.unwrap();
    assert_eq!(listed(&mut customer).await, in_order([4, 3, 1, 0, 2])[..4]);
    let gone = customer.methods.remove_payment_method(request).await.unwrap_err();
    assert_eq!((gone.code(), reason(&gone).as_str()), (tonic::Code::NotFound, "PAYMENT_METHOD_NOT_FOUND"));
    // So the gateway must not ask again by itself: it would tell of a removal that there was nothing to remove.
    let path = "/bojagi.payment.v1.PaymentMethodService/RemovePaymentMethod";
    assert!(!bojagi_api::policy::of(path).unwrap().retry_safe);

    // Somebody else's methods don't exist.
    let mut stranger = shop.customer();
    let request = SetDefaultPaymentMethodRequest { payment_method_id: ids[0].clone() };
    let refused = stranger.methods.set_default_payment_method(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PAYMENT_METHOD_NOT_FOUND");
    let request = RemovePaymentMethodRequest { payment_method_id: ids[0].clone() };
    assert_eq!(reason(&stranger.methods.remove_payment_method(request).await.unwrap_err()), "PAYMENT_METHOD_NOT_FOUND");
    assert_eq!(listed(&mut customer).await.len(), 4);
    assert_eq!(listed(&mut stranger).await, []);
}

async fn a_token_that_the_provider_does_not_know_is_refused(shop: Shop) {
    let mut customer = shop.customer();
    let refused = customer.methods.add_payment_method(method("tok_of_nobody")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::InvalidArgument, "PROVIDER_TOKEN_UNKNOWN"));
    assert_eq!(listed(&mut customer).await, []);
}

#[tokio::test]
async fn a_method_is_added_once() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let request = method("tok_approve");
    let first = customer.methods.add_payment_method(request.clone()).await.unwrap().into_inner();
    let again = customer.methods.add_payment_method(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = AddPaymentMethodRequest { issuer: "Other".into(), ..request.clone() };
    assert_eq!(reason(&customer.methods.add_payment_method(other).await.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
    let twice = customer.methods.add_payment_method(method("tok_approve")).await.unwrap_err();
    assert_eq!((twice.code(), reason(&twice).as_str()), (tonic::Code::FailedPrecondition, "PAYMENT_METHOD_EXISTS"));
    // Another account may have the same one, and may have named its request the same.
    shop.customer().methods.add_payment_method(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_answered_again_while_the_provider_is_away() {
    let shop = Shop::in_process().await;
    let account = shop.customer().account;
    let request = method("tok_approve");
    let first = shop.customer_again(&account).methods.add_payment_method(request.clone()).await.unwrap().into_inner();

    let refuses = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let away = Arc::new(HttpProvider::at(&format!("http://{refuses}")).unwrap());
    let shop = Shop::with_provider(shop.rig.crash().await, config(), away).await;
    let mut methods = shop.customer_again(&account).methods;
    assert_eq!(methods.add_payment_method(request.clone()).await.unwrap().into_inner(), first);
    let other = AddPaymentMethodRequest { issuer: "Other".into(), ..request };
    assert_eq!(reason(&methods.add_payment_method(other).await.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
    let refused = methods.add_payment_method(method("tok_slow")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::Unavailable, "PROVIDER_UNAVAILABLE"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_twenty_methods_at_most() {
    let shop = Shop::with_provider(
        bojagi_testkit::Rig::new(),
        crate::shop::config(),
        std::sync::Arc::new(crate::shop::Silent { answers: |_| false }),
    )
    .await;
    let customer = shop.customer();
    let adds = (0..30).map(|index| {
        let mut methods = customer.methods.clone();
        async move { methods.add_payment_method(method(&format!("tok_{index}"))).await }
    });
    let answers = futures::future::join_all(adds).await;
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(refused.len(), 10);
    assert!(refused.iter().all(|status| reason(status) == "TOO_MANY_PAYMENT_METHODS"));
    let defaults = answers.iter().flatten().filter(|added| added.get_ref().payment_method.as_ref().unwrap().is_default);
    assert_eq!(defaults.count(), 1);
}
