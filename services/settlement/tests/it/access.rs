//! A seller sees what is their own, and learns nothing about others.

use bojagi_api::policy::Role;
use bojagi_api::settlement::{
    GetPayoutRequest, GetSellerBalanceRequest, GetStatementRequest, ListCommissionRatesRequest, ListStatementsRequest,
    SetCommissionRateRequest,
};
use bojagi_testkit::reason;
use tonic::Code;

use crate::support::{Shop, everything, id, line, sale};

#[tokio::test]
async fn somebody_elses_statement_is_as_unknown_as_one_that_does_not_exist() {
    let shop = Shop::open().await;
    let (tea, silk) = (shop.seller(), shop.seller());
    shop.register(&tea, "bank_ok").await;
    shop.capture(&sale([line(&tea, 1, 1_000, 0, 0)])).await;
    shop.close().await;
    let statement_id = shop.statements(&tea).await.remove(0).id;
    let payout_id = shop.settle(&tea).await.unwrap().settlements.remove(0).payout.unwrap().id;

    let statement = |statement_id: String| GetStatementRequest { statement_id, ..Default::default() };
    let mut as_silk = shop.calling_as(&silk);
    let foreign = as_silk.get_statement(statement(statement_id.clone())).await.unwrap_err();
    let unknown = as_silk.get_statement(statement(id())).await.unwrap_err();
    assert_eq!((foreign.code(), foreign.message()), (unknown.code(), unknown.message()));
    assert_eq!((foreign.code(), reason(&foreign).as_str()), (Code::NotFound, "STATEMENT_NOT_FOUND"));
    let foreign = as_silk.get_payout(GetPayoutRequest { payout_id: payout_id.clone() }).await.unwrap_err();
    assert_eq!((foreign.code(), reason(&foreign).as_str()), (Code::NotFound, "PAYOUT_NOT_FOUND"));

    let of_tea = ListStatementsRequest { seller_id: tea.account_id.to_string(), ..Default::default() };
    let refused = as_silk.list_statements(of_tea.clone()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "NOT_YOUR_OWN"));
    assert!(shop.statements(&silk).await.is_empty());

    let mut admin = shop.calling_as(&shop.admin);
    assert!(admin.get_statement(statement(statement_id)).await.is_ok());
    assert!(admin.get_payout(GetPayoutRequest { payout_id }).await.is_ok());
    assert_eq!(admin.list_statements(of_tea).await.unwrap().into_inner().statements.len(), 1);
}

#[tokio::test]
async fn a_page_token_is_its_callers_own() {
    let shop = Shop::open().await;
    let (tea, silk) = (shop.seller(), shop.seller());
    for seller in [&tea, &tea, &silk, &silk] {
        shop.capture(&sale([line(seller, 1, 1_000, 0, 0)])).await;
        shop.close().await;
    }
    let first = ListStatementsRequest { page_size: 1, ..Default::default() };
    let page_token = shop.calling_as(&tea).list_statements(first.clone()).await.unwrap().into_inner().next_page_token;
    let stolen = ListStatementsRequest { page_token, ..first };
    let refused = shop.calling_as(&silk).list_statements(stolen).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_ARGUMENT");
}

#[tokio::test]
async fn a_seller_who_has_sold_nothing_has_an_empty_balance() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let answered = shop.calling_as(&seller).get_seller_balance(GetSellerBalanceRequest {}).await.unwrap();
    assert!(answered.into_inner().balances.is_empty());
    assert_eq!(reason(&shop.settle(&seller).await.unwrap_err()), "NOTHING_TO_SETTLE");
}

#[tokio::test]
async fn customers_and_strangers_are_refused() {
    let shop = Shop::open().await;
    let mut customer = shop.calling_as(&shop.rig.account(&[Role::Customer]));
    let refused = customer.list_statements(ListStatementsRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let refused = customer.request_settlement(everything(id())).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mut seller = shop.calling_as(&shop.seller());
    let refused = seller.list_commission_rates(ListCommissionRatesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let shop = Shop::open().await;
    let mut admin = shop.calling_as(&shop.admin);
    for (request, fields) in [
        (ListStatementsRequest { seller_id: "x".into(), ..Default::default() }, vec!["seller_id"]),
        (ListStatementsRequest { state: 99, page_size: -1, ..Default::default() }, vec!["state", "page_size"]),
        (
            ListStatementsRequest {
                first_business_date: "2026-3-1".into(),
                last_business_date: "20260301".into(),
                ..Default::default()
            },
            vec!["first_business_date", "last_business_date"],
        ),
        (ListStatementsRequest { page_token: "forged".into(), ..Default::default() }, vec!["page_token"]),
    ] {
        let refused = admin.list_statements(request).await.unwrap_err();
        assert_eq!(named(&refused), fields);
    }

    let rate = SetCommissionRateRequest {
        request_id: "x".into(),
        seller_id: "y".into(),
        rate_bps: 10_001,
        effective_from: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
    };
    let refused = admin.set_commission_rate(rate).await.unwrap_err();
    assert_eq!(named(&refused), ["request_id", "seller_id", "rate_bps", "effective_from"]);

    let mut seller = shop.calling_as(&shop.seller());
    let mut backwards = everything(id());
    backwards.first_business_date = "2026-03-02".into();
    backwards.last_business_date = "2026-03-01".into();
    assert_eq!(named(&seller.request_settlement(backwards).await.unwrap_err()), ["last_business_date"]);
    let mut nothing = everything(String::new());
    nothing.first_business_date = String::new();
    assert_eq!(named(&seller.request_settlement(nothing).await.unwrap_err()), ["request_id", "first_business_date"],);
}

/// The fields that a refusal names.
fn named(refused: &tonic::Status) -> Vec<String> {
    use tonic_types::StatusExt;
    assert_eq!((refused.code(), reason(refused).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
    let violations = refused.get_error_details().bad_request().unwrap().field_violations.clone();
    violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn rates_are_listed_the_latest_to_begin_first() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let mut admin = shop.calling_as(&shop.admin);
    for (seller_id, rate_bps) in [
        (String::new(), 1_000),
        (seller.account_id.to_string(), 800),
        (id(), 700),
        (seller.account_id.to_string(), 600),
    ] {
        let request = SetCommissionRateRequest { request_id: id(), seller_id, rate_bps, effective_from: None };
        admin.set_commission_rate(request).await.unwrap();
        shop.wait(1);
    }
    let mut list = async |request| admin.list_commission_rates(request).await.unwrap().into_inner();
    let rates = |listed: &bojagi_api::settlement::ListCommissionRatesResponse| {
        listed.commission_rates.iter().map(|rate| rate.rate_bps).collect::<Vec<_>>()
    };
    assert_eq!(rates(&list(ListCommissionRatesRequest::default()).await), [600, 700, 800, 1_000]);
    let own =
        ListCommissionRatesRequest { seller_id: seller.account_id.to_string(), page_size: 2, ..Default::default() };
    let first = list(own.clone()).await;
    assert_eq!(rates(&first), [600, 800]);
    let second = list(ListCommissionRatesRequest { page_token: first.next_page_token, ..own }).await;
    assert_eq!((rates(&second), second.next_page_token.as_str()), (vec![1_000], ""));
}
