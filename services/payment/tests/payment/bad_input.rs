//! Requests that are wrong: refused with the right code, reason and field, and nothing changes.

use bojagi_api::common::{LineAllocation, Money};
use bojagi_api::payment::*;
use bojagi_kernel::reexport::Uuid;
use bojagi_testkit::reason;
use tonic::Status;
use tonic_types::StatusExt;

use crate::shop::{Shop, line, won};

fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

fn assert_wrong<T: std::fmt::Debug>(answer: Result<T, Status>, field: &str) {
    let status = answer.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (tonic::Code::InvalidArgument, "INVALID_ARGUMENT"),
        "{field}"
    );
    assert_eq!(fields(&status), [field]);
}

fn money(currency_code: &str, minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: currency_code.into(), minor_units })
}

#[tokio::test]
async fn authorize() {
    let shop = Shop::in_process().await;
    let right = AuthorizeRequest {
        order_id: Uuid::now_v7().to_string(),
        customer_id: Uuid::now_v7().to_string(),
        total: won(100),
        points: won(0),
        payment_method_id: Uuid::now_v7().to_string(),
    };
    for (request, field) in [
        (AuthorizeRequest { order_id: "x".into(), ..right.clone() }, "order_id"),
        (AuthorizeRequest { customer_id: String::new(), ..right.clone() }, "customer_id"),
        (AuthorizeRequest { total: None, ..right.clone() }, "total"),
        (AuthorizeRequest { total: won(-1), ..right.clone() }, "total.minor_units"),
        (AuthorizeRequest { total: won(i64::MAX), ..right.clone() }, "total.minor_units"),
        (AuthorizeRequest { total: money("won", 1), ..right.clone() }, "total.currency_code"),
        (AuthorizeRequest { points: won(101), ..right.clone() }, "points.minor_units"),
        (AuthorizeRequest { points: won(i64::MIN), ..right.clone() }, "points.minor_units"),
        (AuthorizeRequest { points: money("USD", 0), ..right.clone() }, "points.currency_code"),
        (
            AuthorizeRequest { total: money("USD", 100), points: money("USD", 1), ..right.clone() },
            "points.currency_code",
        ),
        (AuthorizeRequest { payment_method_id: String::new(), ..right.clone() }, "payment_method_id"),
        (AuthorizeRequest { payment_method_id: "mine".into(), ..right.clone() }, "payment_method_id"),
    ] {
        assert_wrong(shop.order().authorize(request).await, field);
    }
    let all = shop.order().authorize(AuthorizeRequest::default()).await.unwrap_err();
    assert_eq!(fields(&all), ["order_id", "customer_id", "total", "points"]);
    let outside = shop.customer().payments.authorize(right).await.unwrap_err();
    assert_eq!(reason(&outside), "WORKLOAD_REQUIRED");
}

#[tokio::test]
async fn capture_and_refund() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let payment = shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    let order_id = payment.order_id.clone();
    let dollars = LineAllocation {
        gross: money("USD", 110),
        net: money("USD", 100),
        platform_discount: money("USD", 7),
        seller_discount: money("USD", 3),
        ..line(100)
    };
    let cases = [
        (vec![], "allocations"),
        (vec![line(0); 1_001], "allocations"),
        (vec![LineAllocation { order_line_id: "1".into(), ..line(100) }], "allocations[0].order_line_id"),
        (vec![line(50), LineAllocation { seller_id: String::new(), ..line(50) }], "allocations[1].seller_id"),
        (vec![LineAllocation { quantity: -1, ..line(100) }], "allocations[0].quantity"),
        (vec![LineAllocation { net: won(-1), ..line(100) }], "allocations[0].net.minor_units"),
        (vec![LineAllocation { gross: None, ..line(100) }], "allocations[0].gross"),
        (vec![LineAllocation { gross: won(111), ..line(100) }], "allocations[0]"),
        (vec![LineAllocation { platform_discount: money("USD", 7), ..line(100) }], "allocations[0]"),
        (vec![line(50), dollars.clone()], "allocations[1]"),
        (vec![dollars.clone()], "allocations"),
    ];
    for (allocations, field) in cases.clone() {
        let request = CaptureRequest { order_id: order_id.clone(), allocations };
        assert_wrong(shop.order().capture(request).await, field);
    }
    let request = CaptureRequest { order_id: order_id.clone(), allocations: vec![line(99)] };
    let mismatch = shop.order().capture(request).await.unwrap_err();
    assert_eq!((mismatch.code(), reason(&mismatch).as_str()), (tonic::Code::InvalidArgument, "ALLOCATION_MISMATCH"));
    let metadata = mismatch.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!((metadata["total"].as_str(), metadata["allocated"].as_str()), ("100", "99"));
    let unknown = CaptureRequest { order_id: Uuid::now_v7().to_string(), allocations: vec![line(1)] };
    assert_eq!(reason(&shop.order().capture(unknown).await.unwrap_err()), "PAYMENT_NOT_FOUND");
    shop.capture(&payment).await.unwrap();

    let right = RefundRequest {
        order_id,
        refund_id: Uuid::now_v7().to_string(),
        amount: won(100),
        allocations: vec![line(100)],
        reason: "DAMAGED".into(),
    };
    for (allocations, field) in cases {
        assert_wrong(shop.order().refund(RefundRequest { allocations, ..right.clone() }).await, field);
    }
    for (request, field) in [
        (RefundRequest { refund_id: "1".into(), ..right.clone() }, "refund_id"),
        (RefundRequest { amount: won(-100), ..right.clone() }, "amount.minor_units"),
        (RefundRequest { amount: won(i64::MAX), ..right.clone() }, "amount.minor_units"),
        (
            RefundRequest { amount: money("USD", 100), allocations: vec![dollars], ..right.clone() },
            "amount.currency_code",
        ),
        (RefundRequest { reason: " ".into(), ..right.clone() }, "reason"),
        (RefundRequest { reason: "damaged".into(), ..right.clone() }, "reason"),
        (RefundRequest { reason: "A".repeat(65), ..right.clone() }, "reason"),
    ] {
        assert_wrong(shop.order().refund(request).await, field);
    }
    assert_eq!(shop.told::<PaymentRefunded>().await.len(), 0);
    shop.order().refund(right).await.unwrap();
}

#[tokio::test]
async fn methods_and_wallet() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let right = AddPaymentMethodRequest {
        request_id: Uuid::now_v7().to_string(),
        provider_token: "tok_approve".into(),
        r#type: PaymentMethodType::CreditCard.into(),
        issuer: "Bank".into(),
        last_four: "4242".into(),
    };
    for (request, field) in [
        (AddPaymentMethodRequest { request_id: "1".into(), ..right.clone() }, "request_id"),
        (AddPaymentMethodRequest { provider_token: "approve".into(), ..right.clone() }, "provider_token"),
        (AddPaymentMethodRequest { provider_token: "4111111111111111".into(), ..right.clone() }, "provider_token"),
        (AddPaymentMethodRequest { provider_token: "tok_4111111111111111".into(), ..right.clone() }, "provider_token"),
        (AddPaymentMethodRequest { r#type: 0, ..right.clone() }, "type"),
        (AddPaymentMethodRequest { r#type: 9, ..right.clone() }, "type"),
        (AddPaymentMethodRequest { issuer: " ".into(), ..right.clone() }, "issuer"),
        (AddPaymentMethodRequest { issuer: "x".repeat(51), ..right.clone() }, "issuer"),
        (AddPaymentMethodRequest { issuer: "Bank 4111-1111-1111-1111".into(), ..right.clone() }, "issuer"),
        (AddPaymentMethodRequest { last_four: "424".into(), ..right.clone() }, "last_four"),
        (AddPaymentMethodRequest { last_four: "４２".into(), ..right.clone() }, "last_four"),
        (AddPaymentMethodRequest { last_four: "4111111111111111".into(), ..right.clone() }, "last_four"),
    ] {
        assert!(!format!("{request:?}").contains("tok_"), "a token prints itself");
        assert_wrong(customer.methods.add_payment_method(request).await, field);
    }
    let request = RemovePaymentMethodRequest { payment_method_id: "x".into() };
    assert_wrong(customer.methods.remove_payment_method(request).await, "payment_method_id");
    let request = SetDefaultPaymentMethodRequest { payment_method_id: String::new() };
    assert_wrong(customer.methods.set_default_payment_method(request).await, "payment_method_id");
    let request = ListPaymentMethodsRequest { page_size: -1, ..Default::default() };
    assert_wrong(customer.methods.list_payment_methods(request).await, "page_size");

    let method = customer.method("tok_approve").await;
    let right =
        ChargePointsRequest { request_id: Uuid::now_v7().to_string(), amount: won(1), payment_method_id: method };
    for (request, field) in [
        (ChargePointsRequest { request_id: String::new(), ..right.clone() }, "request_id"),
        (ChargePointsRequest { amount: None, ..right.clone() }, "amount"),
        (ChargePointsRequest { amount: won(0), ..right.clone() }, "amount.minor_units"),
        (ChargePointsRequest { amount: won(-5), ..right.clone() }, "amount.minor_units"),
        (ChargePointsRequest { amount: won(i64::MAX), ..right.clone() }, "amount.minor_units"),
        (ChargePointsRequest { payment_method_id: "x".into(), ..right.clone() }, "payment_method_id"),
    ] {
        assert_wrong(customer.wallet.charge_points(request).await, field);
    }
    let request = ListEntriesRequest { kind: 7, ..Default::default() };
    assert_wrong(customer.wallet.list_entries(request).await, "kind");
    let request = ListEntriesRequest { page_token: "x".into(), ..Default::default() };
    assert_wrong(customer.wallet.list_entries(request).await, "page_token");
    assert_eq!(customer.points().await, (0, 0));
}

#[tokio::test]
async fn showing_and_voiding() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    assert_wrong(customer.payments.get_payment(GetPaymentRequest { key: None }).await, "key");
    let key = Some(get_payment_request::Key::PaymentId("1".into()));
    assert_wrong(customer.payments.get_payment(GetPaymentRequest { key }).await, "payment_id");
    let request = ListPaymentsRequest { state: 99, ..Default::default() };
    assert_wrong(customer.payments.list_payments(request).await, "state");
    let request = ListPaymentsRequest { customer_id: "me".into(), ..Default::default() };
    assert_wrong(customer.payments.list_payments(request).await, "customer_id");
    assert_wrong(shop.order().void(VoidRequest::default()).await, "order_id");
    assert_wrong(shop.admin().sync_payment(SyncPaymentRequest::default()).await, "payment_id");
    let unknown = SyncPaymentRequest { payment_id: Uuid::now_v7().to_string() };
    assert_eq!(reason(&shop.admin().sync_payment(unknown).await.unwrap_err()), "PAYMENT_NOT_FOUND");
    let anonymous = shop.anybody().list_payments(ListPaymentsRequest::default()).await.unwrap_err();
    assert_eq!(anonymous.code(), tonic::Code::Unauthenticated);
}
