//! Who sees which payments, page by page, and what the totals say.

use std::time::Duration;

use bojagi_api::common::TimeRange;
use bojagi_api::payment::payment_service_client::PaymentServiceClient;
use bojagi_api::payment::*;
use bojagi_chassis::wire::timestamp;
use bojagi_kernel::Clock;
use bojagi_kernel::reexport::Uuid;
use bojagi_testkit::reason;

use crate::shop::{Customer, Shop, minor};

async fn listed(customer: &mut Customer, request: ListPaymentsRequest) -> Vec<String> {
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListPaymentsRequest { page_size: 2, page_token, ..request.clone() };
        let page = customer.payments.list_payments(request).await.unwrap().into_inner();
        ids.extend(page.payments.into_iter().map(|payment| payment.order_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return ids;
        }
    }
}

#[tokio::test]
async fn a_customer_sees_their_own_and_an_admin_sees_all() {
    let shop = Shop::in_process().await;
    let (mut one, mut other) = (shop.customer(), shop.customer());
    let mut orders = Vec::new();
    for index in 0..5 {
        let payment = shop.authorized(&mut one, "tok_approve", 100 + index, 0).await;
        if index == 1 {
            shop.capture(&payment).await.unwrap();
        }
        orders.insert(0, payment.order_id);
        shop.rig.clock.advance(Duration::from_secs(60));
    }
    let foreign = shop.authorized(&mut other, "tok_approve", 1, 0).await;
    shop.void(&Uuid::now_v7().to_string()).await;

    assert_eq!(listed(&mut one, ListPaymentsRequest::default()).await, orders);
    let state = PaymentState::Captured.into();
    assert_eq!(listed(&mut one, ListPaymentsRequest { state, ..Default::default() }).await, orders[3..4]);
    let begun = shop.rig.clock.now() - Duration::from_secs(300);
    let created = Some(TimeRange {
        starts_at: Some(timestamp(begun + Duration::from_secs(60))),
        ends_at: Some(timestamp(begun + Duration::from_secs(180))),
    });
    assert_eq!(listed(&mut one, ListPaymentsRequest { created, ..Default::default() }).await, orders[2..4]);

    let customer_id = other.account.account_id.to_string();
    let theirs = ListPaymentsRequest { customer_id: customer_id.clone(), ..Default::default() };
    let refused = one.payments.list_payments(theirs.clone()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::PermissionDenied, "NOT_YOUR_OWN"));
    let key = Some(get_payment_request::Key::PaymentId(foreign.id.clone()));
    let hidden = one.payments.get_payment(GetPaymentRequest { key: key.clone() }).await.unwrap_err();
    assert_eq!((hidden.code(), reason(&hidden).as_str()), (tonic::Code::NotFound, "PAYMENT_NOT_FOUND"));
    assert!(other.payments.get_payment(GetPaymentRequest { key: key.clone() }).await.is_ok());
    assert!(shop.admin().get_payment(GetPaymentRequest { key }).await.is_ok());

    let everything = ListPaymentsRequest { page_size: 100, ..Default::default() };
    assert_eq!(shop.admin().list_payments(everything).await.unwrap().into_inner().payments.len(), 6);
    let found = shop.admin().list_payments(theirs).await.unwrap().into_inner().payments;
    assert_eq!(found.iter().map(|payment| &payment.id).collect::<Vec<_>>(), [&foreign.id]);
}

#[tokio::test]
async fn a_page_token_belongs_to_its_query() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    for _ in 0..2 {
        shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    }
    let first = ListPaymentsRequest { page_size: 1, ..Default::default() };
    let token = customer.payments.list_payments(first).await.unwrap().into_inner().next_page_token;
    let mut stranger = shop.customer();
    for (caller, page_token, state) in [
        (&mut customer, token.clone(), PaymentState::Captured.into()),
        (&mut stranger, token.clone(), 0),
        (&mut shop.customer(), "bent".to_owned(), 0),
    ] {
        let request = ListPaymentsRequest { page_token, state, ..Default::default() };
        assert_eq!(reason(&caller.payments.list_payments(request).await.unwrap_err()), "INVALID_ARGUMENT");
    }
    let request = ListPaymentsRequest { page_token: token, ..Default::default() };
    assert_eq!(customer.payments.list_payments(request).await.unwrap().into_inner().payments.len(), 1);
}

#[tokio::test]
async fn the_totals_count_what_was_taken_and_given_back_before_a_moment() {
    let shop = Shop::in_process().await;
    let mut settlement = PaymentServiceClient::new(shop.rig.workload("settlement"));
    let mut customer = shop.customer();
    customer.charge(50).await;
    let begun = shop.rig.clock.now();
    let payment = shop.captured(&mut customer, "tok_approve", 300, 50).await;
    shop.captured(&mut customer, "tok_unresolved", 900, 0).await;
    shop.rig.clock.advance(Duration::from_micros(10));
    shop.refund(&payment, Uuid::now_v7(), 120).await.unwrap();

    let micro = Duration::from_micros(1);
    for (after, expected) in
        [(Duration::ZERO, None), (micro, Some((300, 0))), (micro * 10, Some((300, 0))), (micro * 11, Some((300, 120)))]
    {
        let request = GetCapturedTotalsRequest { as_of: Some(timestamp(begun + after)) };
        let totals = settlement.get_captured_totals(request).await.unwrap().into_inner().totals;
        let sums = totals.first().map(|total| (minor(&total.captured), minor(&total.refunded)));
        assert_eq!(sums, expected, "{after:?}");
        assert!(totals.len() <= 1);
    }
    let absent = settlement.get_captured_totals(GetCapturedTotalsRequest { as_of: None }).await.unwrap_err();
    assert_eq!(reason(&absent), "INVALID_ARGUMENT");
    let outsider = shop.admin().get_captured_totals(GetCapturedTotalsRequest { as_of: None }).await.unwrap_err();
    assert_eq!(reason(&outsider), "WORKLOAD_REQUIRED");
}
