//! Refunds: who may ask for what, who decides, and that no piece is given back twice.

use std::collections::HashSet;

use bojagi_api::order::{self as api, MoneyState, OrderState, RefundMoneyState, RefundState};
use bojagi_api::policy::Role;
use bojagi_testkit::{TestAccount, eventually, reason};
use futures::future::join_all;
use prost::{Message, Name};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::house::{House, basket, id, line, won};

/// An order whose parcels have left: 2 pieces of the first store's for 1,700 won, 1 of the second's for 500.
pub(crate) async fn sent(house: &House) -> api::Order {
    sent_of(house, basket()).await
}

pub(crate) async fn sent_of(house: &House, request: api::PlaceOrderRequest) -> api::Order {
    let order = house.place(request).await.unwrap();
    for parcel in &order.deliveries {
        let which = house.stock.stores.iter().position(|store| store.to_string() == parcel.store_id).unwrap();
        let request = api::BeginDeliveryRequest { request_id: id(), delivery_id: parcel.delivery_id.clone() };
        house.deliveries(&house.sellers[which]).begin_delivery(request).await.unwrap();
    }
    order
}

pub(crate) fn wish(order: &api::Order, lines: &[(usize, i64)]) -> api::RequestRefundRequest {
    let lines = lines.iter().map(|(index, quantity)| api::RequestRefundLine {
        order_line_id: order.lines[*index].id.clone(),
        quantity: *quantity,
    });
    api::RequestRefundRequest {
        request_id: id(),
        order_id: order.id.clone(),
        lines: lines.collect(),
        reason: "the colour is another one".into(),
    }
}

pub(crate) async fn request(house: &House, order: &api::Order, lines: &[(usize, i64)]) -> Result<api::Refund, Status> {
    let request = wish(order, lines);
    Ok(house.refunds(&house.customer).request_refund(request).await?.into_inner().refund.unwrap())
}

pub(crate) async fn approve(
    house: &House,
    seller: &TestAccount,
    refund_id: &str,
    restock: bool,
) -> Result<api::Refund, Status> {
    let request = api::ApproveRefundRequest { request_id: id(), refund_id: refund_id.into(), restock };
    Ok(house.refunds(seller).approve_refund(request).await?.into_inner().refund.unwrap())
}

pub(crate) async fn reject(house: &House, seller: &TestAccount, refund_id: &str) -> Result<api::Refund, Status> {
    let request = api::RejectRefundRequest { request_id: id(), refund_id: refund_id.into(), reason: "worn".into() };
    Ok(house.refunds(seller).reject_refund(request).await?.into_inner().refund.unwrap())
}

async fn withdraw(house: &House, customer: &TestAccount, refund_id: &str) -> Result<api::Refund, Status> {
    let request = api::WithdrawRefundRequest { request_id: id(), refund_id: refund_id.into() };
    Ok(house.refunds(customer).withdraw_refund(request).await?.into_inner().refund.unwrap())
}

pub(crate) async fn get(house: &House, account: &TestAccount, refund_id: &str) -> Result<api::Refund, Status> {
    let request = api::GetRefundRequest { refund_id: refund_id.into() };
    Ok(house.refunds(account).get_refund(request).await?.into_inner().refund.unwrap())
}

pub(crate) async fn until_money(house: &House, refund_id: &str, state: RefundMoneyState) -> api::Refund {
    eventually(&format!("the money of {refund_id} is {state:?}"), async || {
        house.rig.clock.advance(std::time::Duration::from_millis(20));
        get(house, &house.customer, refund_id).await.unwrap().money_state() == state
    })
    .await;
    get(house, &house.customer, refund_id).await.unwrap()
}

fn refused<T>(outcome: Result<T, Status>) -> (Code, String) {
    let status = outcome.err().unwrap();
    (status.code(), reason(&status))
}

/// The fields that a refusal names.
fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn the_customer_asks_the_seller_agrees_and_the_net_price_goes_back() {
    let house = House::open().await;
    let order = sent(&house).await;
    let [seller, _] = &house.sellers;
    let refund = request(&house, &order, &[(0, 1)]).await.unwrap();
    assert_eq!((refund.state(), refund.money_state()), (RefundState::Requested, RefundMoneyState::None));
    assert_eq!((refund.amount.as_ref(), refund.reason.as_str()), (None, "the colour is another one"));
    assert_eq!(
        refund.delivery_id,
        order.deliveries.iter().find(|of| of.store_id == refund.store_id).unwrap().delivery_id
    );
    assert_eq!(house.payments.refund.calls(), 0);

    let answer = approve(&house, seller, &refund.id, true).await.unwrap();
    assert_eq!((answer.state(), answer.money_state()), (RefundState::Approved, RefundMoneyState::Refunding));
    assert_eq!((answer.amount, answer.restock), (Some(won(850)), true));
    let refund = until_money(&house, &refund.id, RefundMoneyState::Refunded).await;
    assert!(refund.refunded_at.is_some() && refund.decided_at.is_some());
    let after = house.order(&order.id).await;
    assert_eq!((after.money_state(), after.refunded), (MoneyState::PartiallyRefunded, Some(won(850))));
    assert_eq!(house.payments.kept(&order.id), 2_200 - 850);

    // The rest of everything: then nothing of what was paid is left.
    for (seller, index) in house.sellers.iter().zip([0, 1]) {
        let rest = request(&house, &order, &[(index, 1)]).await.unwrap();
        approve(&house, seller, &rest.id, false).await.unwrap();
        until_money(&house, &rest.id, RefundMoneyState::Refunded).await;
    }
    let after = house.order(&order.id).await;
    assert_eq!((after.money_state(), after.refunded.clone()), (MoneyState::Refunded, Some(won(2_200))));
    assert_eq!((after.state(), house.payments.kept(&order.id)), (OrderState::Confirmed, 0));
    assert_eq!(house.saga(&order.id).await.state(), api::SagaState::Done);
}

/// R11: whatever the order and grouping, the refunds add up to what was paid, in each part of it.
#[tokio::test]
async fn r11_partial_refunds_in_any_grouping_add_up_to_what_was_paid() {
    let house = House::open().await;
    for groups in [vec![3, 3, 1], vec![1, 1, 1, 1, 1, 1, 1], vec![1, 5, 1], vec![7]] {
        // 7 pieces at 1,000 won, 1,000 of them off: no piece costs a whole number of won.
        let basket =
            api::PlaceOrderRequest { lines: vec![line(0, 7, 1_000)], expected_discount: Some(won(1_000)), ..basket() };
        let order = sent_of(&house, basket).await;
        let mut refunds = Vec::new();
        for quantity in groups {
            refunds.push(request(&house, &order, &[(0, quantity)]).await.unwrap());
        }
        // The later asked, the sooner approved.
        for refund in refunds.iter().rev() {
            approve(&house, &house.sellers[0], &refund.id, false).await.unwrap();
        }
        for refund in &refunds {
            until_money(&house, &refund.id, RefundMoneyState::Refunded).await;
        }
        let account = house.payments.account(&order.id).unwrap();
        assert_eq!((account.refunds.len(), house.payments.kept(&order.id)), (refunds.len(), 0));
        let back = account.asked.values().flat_map(|asked| &asked.allocations);
        let minor = |amount: &Option<bojagi_api::common::Money>| amount.as_ref().unwrap().minor_units;
        let sums = back.fold((0, 0, 0, 0, 0), |sum, line| {
            let (platform, seller) = (minor(&line.platform_discount), minor(&line.seller_discount));
            (
                sum.0 + line.quantity,
                sum.1 + minor(&line.gross),
                sum.2 + minor(&line.net),
                sum.3 + platform,
                sum.4 + seller,
            )
        });
        let captured = &account.allocations[0];
        let (platform, seller) = (minor(&captured.platform_discount), minor(&captured.seller_discount));
        assert_eq!(sums, (7, minor(&captured.gross), minor(&captured.net), platform, seller));
        assert_eq!(house.order(&order.id).await.money_state(), MoneyState::Refunded);
    }
}

/// R10 at the order: two refunds of 60 of 100 pieces at once, one is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r10_two_refunds_of_sixty_of_a_hundred_at_once_one_is_refused() {
    let house = House::open().await;
    for _ in 0..8 {
        let hundred = api::PlaceOrderRequest { lines: vec![line(0, 100, 1_000)], ..basket() };
        let order = sent_of(&house, hundred).await;
        let (one, other) = tokio::join!(request(&house, &order, &[(0, 60)]), request(&house, &order, &[(0, 60)]));
        assert_ne!(one.is_ok(), other.is_ok());
        let loser = one.err().or(other.err()).unwrap();
        assert_eq!((loser.code(), reason(&loser).as_str()), (Code::FailedPrecondition, "REFUND_EXCEEDS_PURCHASE"));
        assert_eq!(loser.get_error_details().error_info().unwrap().metadata["refundable"], "40");
        assert_eq!(fields(&loser), ["lines[0].quantity"]);
        assert!(request(&house, &order, &[(0, 41)]).await.is_err());
        request(&house, &order, &[(0, 40)]).await.unwrap();
        assert!(request(&house, &order, &[(0, 1)]).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_decide_at_once_one_is_refused_and_the_money_goes_back_once() {
    let house = House::open().await;
    let [seller, _] = &house.sellers;
    for _ in 0..8 {
        let order = sent(&house).await;
        let refund = request(&house, &order, &[(0, 2)]).await.unwrap();
        let approvals = join_all((0..4).map(|_| approve(&house, seller, &refund.id, true)));
        let (approvals, withdrawn) = tokio::join!(approvals, withdraw(&house, &house.customer, &refund.id));
        let approved = approvals.iter().filter(|approval| approval.is_ok()).count();
        assert_eq!(approved + usize::from(withdrawn.is_ok()), 1);
        for outcome in approvals.into_iter().chain([withdrawn]).filter(Result::is_err) {
            assert_eq!(refused(outcome), (Code::FailedPrecondition, "REFUND_NOT_REQUESTED".to_owned()));
        }
        if approved == 1 {
            until_money(&house, &refund.id, RefundMoneyState::Refunded).await;
        }
        let back = if approved == 1 { 1_700 } else { 0 };
        assert_eq!(house.payments.kept(&order.id), 2_200 - back);
        // What was withdrawn can be asked back again, what was approved cannot.
        assert_eq!(request(&house, &order, &[(0, 1)]).await.is_ok(), approved == 0);
    }
}

#[tokio::test]
async fn what_was_rejected_or_withdrawn_can_be_asked_back_again_and_stays_decided() {
    let house = House::open().await;
    let order = sent(&house).await;
    let [seller, _] = &house.sellers;
    let rejected = request(&house, &order, &[(0, 2)]).await.unwrap();
    let answer = reject(&house, seller, &rejected.id).await.unwrap();
    assert_eq!((answer.state(), answer.rejection.as_str()), (RefundState::Rejected, "worn"));
    let withdrawn = request(&house, &order, &[(0, 2)]).await.unwrap();
    withdraw(&house, &house.customer, &withdrawn.id).await.unwrap();
    let not_requested = (Code::FailedPrecondition, "REFUND_NOT_REQUESTED".to_owned());
    for refund in [&rejected, &withdrawn] {
        assert_eq!(refused(approve(&house, seller, &refund.id, true).await), not_requested);
        assert_eq!(refused(reject(&house, seller, &refund.id).await), not_requested);
        assert_eq!(refused(withdraw(&house, &house.customer, &refund.id).await), not_requested);
    }
    request(&house, &order, &[(0, 2)]).await.unwrap();
    assert_eq!(house.payments.refund.calls(), 0);
}

#[tokio::test]
async fn only_what_was_sent_and_only_of_one_store() {
    let house = House::open().await;
    let order = house.place(basket()).await.unwrap();
    let not_begun = request(&house, &order, &[(0, 1)]).await;
    assert_eq!(refused(not_begun), (Code::FailedPrecondition, "DELIVERY_NOT_BEGUN".to_owned()));

    let order = sent(&house).await;
    let two_stores = request(&house, &order, &[(0, 1), (1, 1)]).await.unwrap_err();
    assert_eq!((two_stores.code(), reason(&two_stores).as_str()), (Code::InvalidArgument, "REFUND_OF_TWO_STORES"));
    assert_eq!(fields(&two_stores), ["lines[1].order_line_id"]);

    let ask = async |bend: fn(&mut api::RequestRefundRequest)| {
        let mut request = wish(&order, &[(0, 1)]);
        bend(&mut request);
        house.refunds(&house.customer).request_refund(request).await.unwrap_err()
    };
    let unknown = ask(|request| request.lines[0].order_line_id = id()).await;
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "ORDER_LINE_NOT_FOUND"));
    assert_eq!(fields(&unknown), ["lines[0].order_line_id"]);
    for (bend, field) in [
        ((|request| request.lines.clear()) as fn(&mut api::RequestRefundRequest), "lines"),
        (|request| request.lines[0].quantity = 0, "lines[0].quantity"),
        (|request| request.lines[0].quantity = i64::MAX, "lines[0].quantity"),
        (|request| request.lines[0].order_line_id = "?".into(), "lines[0].order_line_id"),
        (|request| request.lines.push(request.lines[0].clone()), "lines[1].order_line_id"),
        (|request| request.reason = " ".into(), "reason"),
        (|request| request.reason = "x".repeat(501), "reason"),
        (|request| request.request_id = String::new(), "request_id"),
    ] {
        let refused = ask(bend).await;
        assert_eq!((reason(&refused).as_str(), fields(&refused)), ("INVALID_ARGUMENT", vec![field.to_owned()]));
    }
    // Nothing was counted for what was refused.
    request(&house, &order, &[(0, 2)]).await.unwrap();
}

/// Whatever stands of an order is read whenever the order is.
#[tokio::test]
async fn no_more_refunds_of_an_order_stand_than_a_hundred() {
    let house = House::open().await;
    let order = sent_of(&house, api::PlaceOrderRequest { lines: vec![line(0, 102, 1_000)], ..basket() }).await;
    let mut asked = Vec::new();
    for _ in 0..100 {
        asked.push(request(&house, &order, &[(0, 1)]).await.unwrap().id);
    }
    approve(&house, &house.sellers[0], &asked[0], false).await.unwrap();
    let refusal = request(&house, &order, &[(0, 1)]).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "REFUND_LIMIT"));
    let metadata = refusal.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!((metadata["order_id"].as_str(), metadata["limit"].as_str()), (order.id.as_str(), "100"));
    // What is withdrawn or rejected makes room, and nothing was counted for what was refused.
    withdraw(&house, &house.customer, &asked[1]).await.unwrap();
    request(&house, &order, &[(0, 3)]).await.unwrap();
}

#[tokio::test]
async fn a_refund_is_known_to_its_customer_and_to_the_seller_of_its_store() {
    let house = House::open().await;
    let order = sent(&house).await;
    let refund = request(&house, &order, &[(0, 1)]).await.unwrap();
    let [seller, other] = &house.sellers;
    let stranger = house.rig.account(&[Role::Customer]);
    let not_found = (Code::NotFound, "REFUND_NOT_FOUND".to_owned());
    assert_eq!(get(&house, seller, &refund.id).await.unwrap(), get(&house, &house.customer, &refund.id).await.unwrap());
    for nobody in [other, &stranger] {
        assert_eq!(refused(get(&house, nobody, &refund.id).await), not_found);
    }
    assert_eq!(refused(approve(&house, other, &refund.id, true).await), not_found);
    assert_eq!(refused(reject(&house, other, &refund.id).await), not_found);
    assert_eq!(refused(withdraw(&house, &stranger, &refund.id).await), not_found);
    assert_eq!(refused(approve(&house, seller, &id(), true).await), not_found);
    let theirs = house.refunds(&stranger).request_refund(wish(&order, &[(0, 1)])).await;
    assert_eq!(refused(theirs), (Code::NotFound, "ORDER_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn an_admin_decides_where_the_seller_cannot() {
    let house = House::open().await;
    let order = sent(&house).await;
    let [agreed, declined] = [request(&house, &order, &[(0, 1)]).await, request(&house, &order, &[(0, 1)]).await];
    let (agreed, declined) = (agreed.unwrap(), declined.unwrap());
    assert_eq!(get(&house, &house.admin, &agreed.id).await.unwrap(), agreed);
    assert_eq!(refused(get(&house, &house.admin, &id()).await).1, "REFUND_NOT_FOUND");
    assert_eq!(refused(withdraw(&house, &house.admin, &agreed.id).await).0, Code::PermissionDenied);
    let answer = approve(&house, &house.admin, &agreed.id, true).await.unwrap();
    assert_eq!((answer.state(), answer.seller_id.as_str()), (RefundState::Approved, agreed.seller_id.as_str()));
    until_money(&house, &agreed.id, RefundMoneyState::Refunded).await;
    let answer = reject(&house, &house.admin, &declined.id).await.unwrap();
    assert_eq!((answer.state(), answer.rejection.as_str()), (RefundState::Rejected, "worn"));
    assert_eq!(refused(approve(&house, &house.sellers[0], &declined.id, true).await).1, "REFUND_NOT_REQUESTED");
}

#[tokio::test]
async fn a_request_that_comes_twice_has_one_effect() {
    let house = House::open().await;
    let order = sent(&house).await;
    let (mut customer, mut seller) = (house.refunds(&house.customer), house.refunds(&house.sellers[0]));
    let asked = wish(&order, &[(0, 1)]);
    let answer = customer.request_refund(asked.clone()).await.unwrap().into_inner();
    assert_eq!(customer.request_refund(asked.clone()).await.unwrap().into_inner(), answer);
    let other = api::RequestRefundRequest { reason: "another".into(), ..asked };
    assert_eq!(refused(customer.request_refund(other).await).1, "IDEMPOTENCY_KEY_REUSED");

    let refund_id = answer.refund.unwrap().id;
    let agreed = api::ApproveRefundRequest { request_id: id(), refund_id: refund_id.clone(), restock: true };
    let answer = seller.approve_refund(agreed.clone()).await.unwrap().into_inner();
    until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
    assert_eq!(seller.approve_refund(agreed.clone()).await.unwrap().into_inner(), answer);
    let other = api::ApproveRefundRequest { restock: false, ..agreed };
    assert_eq!(refused(seller.approve_refund(other).await).1, "IDEMPOTENCY_KEY_REUSED");

    let taken_back = request(&house, &order, &[(0, 1)]).await.unwrap().id;
    let withdrawal = api::WithdrawRefundRequest { request_id: id(), refund_id: taken_back };
    let answer = customer.withdraw_refund(withdrawal.clone()).await.unwrap().into_inner();
    assert_eq!(customer.withdraw_refund(withdrawal).await.unwrap().into_inner(), answer);
    let declined = request(&house, &order, &[(0, 1)]).await.unwrap().id;
    let rejection = api::RejectRefundRequest { request_id: id(), refund_id: declined, reason: "worn".into() };
    let answer = seller.reject_refund(rejection.clone()).await.unwrap().into_inner();
    assert_eq!(seller.reject_refund(rejection).await.unwrap().into_inner(), answer);
    assert_eq!(house.payments.account(&order.id).unwrap().refunds.len(), 1);
}

/// Cancelling and giving back exclude each other: one is possible until a delivery begins, the other from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_cancelled_or_given_back_and_never_both() {
    let house = House::open().await;
    for _ in 0..16 {
        let order = house.place(basket()).await.unwrap();
        let store = house.stock.stores[0].to_string();
        let parcel = order.deliveries.iter().find(|parcel| parcel.store_id == store).unwrap();
        let begin = api::BeginDeliveryRequest { request_id: id(), delivery_id: parcel.delivery_id.clone() };
        let asked_back = async {
            let begun = house.deliveries(&house.sellers[0]).begin_delivery(begin).await;
            (begun.is_ok(), request(&house, &order, &[(0, 1)]).await)
        };
        let ((begun, refund), cancelled) = tokio::join!(asked_back, house.cancel(&order.id));
        assert_ne!(refund.is_ok(), cancelled.is_ok());
        assert_eq!(begun, refund.is_ok());
        match refund {
            Ok(_) => {
                // The other store's parcel waits, and the order cannot be cancelled all the same.
                assert_eq!(refused(house.cancel(&order.id).await).1, "DELIVERY_BEGUN");
            }
            Err(refusal) => assert_eq!(reason(&refusal), "ORDER_NOT_CONFIRMED"),
        }
    }
}

#[tokio::test]
async fn facts_say_what_goes_back_and_in_nobodys_words() {
    let house = House::open().await;
    let order = sent(&house).await;
    let [seller, _] = &house.sellers;
    let agreed = request(&house, &order, &[(0, 1)]).await.unwrap();
    approve(&house, seller, &agreed.id, true).await.unwrap();
    let declined = request(&house, &order, &[(0, 1)]).await.unwrap();
    reject(&house, seller, &declined.id).await.unwrap();
    let taken_back = request(&house, &order, &[(0, 1)]).await.unwrap();
    withdraw(&house, &house.customer, &taken_back.id).await.unwrap();
    until_money(&house, &agreed.id, RefundMoneyState::Refunded).await;

    let facts = crate::facts::facts_of(&house, &order.id).await;
    let requested = api::RefundRequested::full_name();
    let names: Vec<_> = facts.iter().map(|(name, _)| name.clone()).filter(|name| name.contains("Refund")).collect();
    let (approved, rejected) = (api::RefundApproved::full_name(), api::RefundRejected::full_name());
    let withdrawn = api::RefundWithdrawn::full_name();
    assert_eq!(names, [requested.clone(), approved.clone(), requested.clone(), rejected, requested, withdrawn]);
    let payload = &facts.iter().find(|(name, _)| *name == approved).unwrap().1;
    let fact = api::RefundApproved::decode(payload.as_slice()).unwrap();
    assert_eq!((fact.refund_id, fact.restock, fact.amount), (agreed.id, true, Some(won(850))));
    assert_eq!((fact.lines[0].order_line_id.as_str(), fact.lines[0].quantity), (order.lines[0].id.as_str(), 1));
    assert_eq!(fact.lines[0].item_id, order.lines[0].item_id);
    for (name, payload) in &facts {
        assert!(!String::from_utf8_lossy(payload).contains("colour"), "{name}");
    }
}

#[tokio::test]
async fn refunds_are_listed_for_both_parties() {
    let house = House::open().await;
    let orders = [sent(&house).await, sent(&house).await];
    let mut asked = Vec::new();
    for order in &orders {
        for lines in [[(0, 1)], [(0, 1)], [(1, 1)]] {
            asked.push(request(&house, order, &lines).await.unwrap().id);
        }
    }
    let [seller, other] = &house.sellers;
    approve(&house, seller, &asked[0], false).await.unwrap();
    withdraw(&house, &house.customer, &asked[1]).await.unwrap();
    let list = async |account, request: api::ListRefundsRequest| {
        house.refunds(account).list_refunds(request).await.unwrap().into_inner()
    };
    let ids = |page: &api::ListRefundsResponse| page.refunds.iter().map(|refund| refund.id.clone()).collect::<Vec<_>>();
    let newest_first: Vec<_> = asked.iter().rev().cloned().collect();
    assert_eq!(ids(&list(&house.customer, api::ListRefundsRequest::default()).await), newest_first);
    assert_eq!(ids(&list(other, api::ListRefundsRequest::default()).await), [asked[5].clone(), asked[2].clone()]);
    let open = api::ListRefundsRequest { state: RefundState::Requested.into(), ..Default::default() };
    assert_eq!(ids(&list(seller, open.clone()).await), [asked[4].clone(), asked[3].clone()]);
    let withdrawn = api::ListRefundsRequest { state: RefundState::Withdrawn.into(), ..Default::default() };
    let page = list(seller, withdrawn).await;
    assert_eq!((ids(&page), page.refunds[0].lines[0].quantity), (vec![asked[1].clone()], 1));
    let of_order = api::ListRefundsRequest { order_id: orders[0].id.clone(), ..Default::default() };
    assert_eq!(list(&house.customer, of_order).await.refunds.len(), 3);
    let foreign = api::ListRefundsRequest { store_id: house.stock.stores[1].to_string(), ..Default::default() };
    assert!(list(seller, foreign).await.refunds.is_empty());

    let mut request = api::ListRefundsRequest { page_size: 2, ..Default::default() };
    let mut seen = HashSet::new();
    loop {
        let page = list(&house.customer, request.clone()).await;
        seen.extend(ids(&page));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen.len(), 6);
    let bent = api::ListRefundsRequest { page_token: request.page_token, ..open };
    assert_eq!(refused(house.refunds(&house.customer).list_refunds(bent).await).0, Code::InvalidArgument);
}
