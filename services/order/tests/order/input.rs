//! Bad input: the right code, reason and field, and no order.

use bojagi_api::common::Money;
use bojagi_api::order as api;
use bojagi_testkit::reason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::house::{House, basket, id, line, won};

fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let bad = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn every_wrong_field_of_a_new_order_is_named() {
    let house = House::open().await;
    let coupon = id();
    let on_line = |line_index: i32, issued: &str| api::ItemCouponUse { line_index, issued_coupon_id: issued.into() };
    let one_piece = || vec![line(0, 1, 1_000)];
    let with_address = |change: fn(&mut api::DeliveryAddress)| {
        let mut address = crate::house::address();
        change(&mut address);
        Some(address)
    };
    let table: Vec<(api::PlaceOrderRequest, &[&str])> = vec![
        (api::PlaceOrderRequest { request_id: "x".into(), ..basket() }, &["request_id"]),
        (api::PlaceOrderRequest { lines: vec![], ..basket() }, &["lines"]),
        (api::PlaceOrderRequest { lines: vec![line(0, 1, 1); 101], ..basket() }, &["lines"]),
        (
            api::PlaceOrderRequest { lines: vec![line(0, 0, 1), line(0, 1_000, 1), line(0, -1, 1)], ..basket() },
            &["lines[0].quantity", "lines[1].quantity", "lines[2].quantity"],
        ),
        (
            api::PlaceOrderRequest { lines: vec![line(0, 1, 0), line(0, 1, -5)], ..basket() },
            &["lines[0].unit_price.minor_units", "lines[1].unit_price.minor_units"],
        ),
        (
            api::PlaceOrderRequest { lines: vec![line(0, 1, i64::MAX)], ..basket() },
            &["lines[0].unit_price.minor_units"],
        ),
        (api::PlaceOrderRequest { lines: vec![line(0, 999, 1_000_000_000_000); 100], ..basket() }, &["lines"]),
        (
            api::PlaceOrderRequest { lines: vec![api::PlaceOrderLine::default()], ..basket() },
            &["lines[0].option_id", "lines[0].quantity", "lines[0].unit_price"],
        ),
        (api::PlaceOrderRequest { expected_discount: Some(won(-1)), ..basket() }, &["expected_discount.minor_units"]),
        (api::PlaceOrderRequest { expected_discount: Some(won(2_501)), ..basket() }, &["expected_discount"]),
        (
            api::PlaceOrderRequest {
                expected_discount: Some(Money { currency_code: "won".into(), minor_units: 1 }),
                ..basket()
            },
            &["expected_discount.currency_code"],
        ),
        (api::PlaceOrderRequest { quote_hash: "h".repeat(201), ..basket() }, &["quote_hash"]),
        (api::PlaceOrderRequest { order_issued_coupon_id: "x".into(), ..basket() }, &["order_issued_coupon_id"]),
        (
            api::PlaceOrderRequest {
                tender: Some(api::Tender { points: Some(won(-1)), payment_method_id: "x".into() }),
                ..basket()
            },
            &["tender.points.minor_units", "tender.payment_method_id"],
        ),
        (api::PlaceOrderRequest { delivery_address: None, ..basket() }, &["delivery_address"]),
        (
            api::PlaceOrderRequest {
                delivery_address: with_address(|address| {
                    address.recipient = " ".into();
                    address.phone = "0".repeat(31);
                    address.line1 = "a\nb".into();
                    address.line2 = "l".repeat(201);
                }),
                ..basket()
            },
            &[
                "delivery_address.recipient",
                "delivery_address.phone",
                "delivery_address.line1",
                "delivery_address.line2",
            ],
        ),
        (api::PlaceOrderRequest { wait: 7, ..basket() }, &["wait"]),
        (
            api::PlaceOrderRequest { item_coupons: vec![on_line(2, &coupon), on_line(-1, &id())], ..basket() },
            &["item_coupons[0].line_index", "item_coupons[1].line_index"],
        ),
        (
            api::PlaceOrderRequest { item_coupons: vec![on_line(0, &coupon)], ..basket() },
            &["item_coupons[0].line_index"],
        ),
        (
            api::PlaceOrderRequest {
                lines: one_piece(),
                item_coupons: vec![on_line(0, &coupon), on_line(0, &coupon), on_line(0, &id())],
                ..basket()
            },
            &["item_coupons[1].issued_coupon_id", "item_coupons[2].line_index"],
        ),
        (
            api::PlaceOrderRequest {
                lines: one_piece(),
                item_coupons: vec![on_line(0, &coupon)],
                order_issued_coupon_id: coupon.clone(),
                ..basket()
            },
            &["order_issued_coupon_id"],
        ),
    ];
    for (request, expected) in table {
        let refused = house.place(request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
        assert_eq!(fields(&refused), expected);
    }
    let listed = house.orders().list_orders(api::ListOrdersRequest::default()).await.unwrap().into_inner();
    assert!(listed.orders.is_empty());
}

#[tokio::test]
async fn currencies_and_tenders_must_fit() {
    let house = House::open().await;
    let dollars = |minor_units| Some(Money { currency_code: "USD".into(), minor_units });
    let points =
        |points: i64, method: String| Some(api::Tender { points: Some(won(points)), payment_method_id: method });
    let mixed_line = api::PlaceOrderLine { unit_price: dollars(5), ..line(0, 1, 1) };
    for (request, expected) in [
        (api::PlaceOrderRequest { lines: vec![line(0, 1, 1_000), mixed_line], ..basket() }, "CURRENCY_MISMATCH"),
        (api::PlaceOrderRequest { expected_discount: dollars(1), ..basket() }, "CURRENCY_MISMATCH"),
        (api::PlaceOrderRequest { tender: points(2_201, id()), ..basket() }, "TENDER_MISMATCH"),
        (api::PlaceOrderRequest { tender: points(2_199, String::new()), ..basket() }, "TENDER_MISMATCH"),
        (api::PlaceOrderRequest { tender: None, ..basket() }, "TENDER_MISMATCH"),
    ] {
        let refused = house.place(request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, expected));
    }
}

#[tokio::test]
async fn other_methods_name_their_wrong_fields_too() {
    let house = House::open().await;
    let mut orders = house.orders();
    let wrong = |status: Status| {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
        fields(&status)
    };
    let request = api::GetOrderRequest { order_id: "x".into() };
    assert_eq!(wrong(orders.get_order(request).await.unwrap_err()), ["order_id"]);
    let request = api::CancelOrderRequest::default();
    assert_eq!(wrong(orders.cancel_order(request).await.unwrap_err()), ["request_id", "order_id"]);
    let request = api::ListOrdersRequest { state: 99, page_size: -1, page_token: "bent".into(), ..Default::default() };
    assert_eq!(wrong(orders.list_orders(request).await.unwrap_err()), ["state", "page_size", "page_token"]);
    let mut sagas = house.sagas();
    for seconds in [-1, 10_000_000_000, i64::MAX] {
        let minimum_age = Some(prost_types::Duration { seconds, nanos: 0 });
        let request = api::ListSagasRequest { minimum_age, ..Default::default() };
        assert_eq!(wrong(sagas.list_sagas(request).await.unwrap_err()), ["minimum_age"], "{seconds}");
    }
    let request = api::CompensateSagaRequest { request_id: id(), order_id: id(), reason: " ".into() };
    assert_eq!(wrong(sagas.compensate_saga(request).await.unwrap_err()), ["reason"]);
    let mut internal = api::order_service_client::OrderServiceClient::new(house.rig.workload("settlement"));
    let request = api::GetOrderTotalsRequest::default();
    assert_eq!(wrong(internal.get_order_totals(request).await.unwrap_err()), ["as_of"]);
}
