//! What payment does when others tell something.

use bojagi_api::order::OrderFailed;
use bojagi_api::payment::operations_service_client::OperationsServiceClient;
use bojagi_api::payment::*;
use bojagi_api::policy::Role;
use bojagi_api::user::AccountClosed;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_testkit::{eventually, reason};

use crate::shop::Shop;

async fn fail(shop: &Shop, order_id: &str) {
    let fact = OrderFailed { order_id: order_id.into(), ..Default::default() };
    shop.orders.tell(order_id.parse().unwrap(), &fact).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_can_be_captured_for_an_order_that_failed() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    customer.charge(40).await;
    let payment = shop.authorized(&mut customer, "tok_approve", 100, 40).await;
    let never_asked = OrderId::generate().to_string();
    fail(&shop, &payment.order_id).await;
    fail(&shop, &payment.order_id).await;
    fail(&shop, &never_asked).await;
    eventually("both are voided", async || shop.told::<PaymentVoided>().await.len() == 2).await;
    assert_eq!(customer.points().await, (40, 0));
    assert_eq!(reason(&shop.capture(&payment).await.unwrap_err()), "ORDER_ENDED");
    let method = customer.method("tok_approve").await;
    let late = shop.authorize(&customer, &never_asked, &method, 100, 0).await.unwrap_err();
    assert_eq!(reason(&late), "ORDER_ENDED");

    // What the provider holds is let go when the job comes by.
    shop.rig.clock.advance(std::time::Duration::from_secs(60));
    eventually("the provider lets go", async || shop.statement(&payment.order_id).voided).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_failed_after_it_was_paid_is_shown_to_the_operator() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let payment = shop.captured(&mut customer, "tok_approve", 100, 0).await;
    fail(&shop, &payment.order_id).await;
    let admin = shop.rig.account(&[Role::Admin]);
    let operations = OperationsServiceClient::new(shop.rig.calling_as(&admin));
    let set_aside = async || {
        let listed = operations.clone().list_parked_events(ListParkedEventsRequest::default()).await.unwrap();
        listed.into_inner().parked_events
    };
    eventually("it is set aside", async || set_aside().await.len() == 1).await;
    let parked = set_aside().await.remove(0);
    assert!(parked.last_error.contains("CAPTURED"), "{}", parked.last_error);
    assert_eq!(parked.event_type, "bojagi.order.v1.OrderFailed");

    let request = ReplayParkedEventRequest { group: parked.group, event_id: parked.event_id };
    let replayed = operations.clone().replay_parked_event(request.clone()).await.unwrap().into_inner();
    assert_eq!(replayed.released_events, 1);
    let unknown = ReplayParkedEventRequest { event_id: OrderId::generate().to_string(), ..request };
    let refused = operations.clone().replay_parked_event(unknown).await.unwrap_err();
    assert_eq!(reason(&refused), "PARKED_EVENT_NOT_FOUND");
    assert_eq!(shop.look(&payment.order_id).await.state(), PaymentState::Captured);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_account_has_no_methods_but_its_payments_go_on() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let payment = shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    let account_id = customer.account.account_id;
    let fact = AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    shop.users.tell(account_id.into(), &fact).await;
    eventually("the methods are gone", async || {
        let mut methods = customer.methods.clone();
        let listed = methods.list_payment_methods(ListPaymentMethodsRequest::default()).await.unwrap();
        listed.into_inner().payment_methods.is_empty()
    })
    .await;
    assert_eq!(shop.capture(&payment).await.unwrap().state(), PaymentState::Captured);

    // Its last token holds for a moment more.
    let late = AddPaymentMethodRequest {
        request_id: Uuid::now_v7().to_string(),
        provider_token: "tok_slow".into(),
        r#type: PaymentMethodType::CreditCard.into(),
        issuer: "Bank".into(),
        last_four: "4242".into(),
    };
    let refused = customer.methods.add_payment_method(late).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::Unauthenticated, "TOKEN_REVOKED"));
    shop.customer().method("tok_slow").await;
}
