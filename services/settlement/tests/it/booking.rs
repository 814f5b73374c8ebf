//! What payment tells is booked once, balanced, and to the unit.

use std::collections::BTreeMap;
use std::time::Duration;

use bojagi_api::common::ParkedEventState;
use bojagi_api::settlement::LedgerAccountKind::{
    CommissionIncome, CouponSubsidy, CustomerPoints, PaymentClearing, PointsClearing, SellerPayable,
};
use bojagi_api::settlement::{
    GetStatementRequest, LedgerSide, LedgerTransactionKind, ListLedgerEntriesRequest, ListParkedEventsRequest,
    ReplayParkedEventRequest, SetCommissionRateRequest, StatementEntryKind,
};
use bojagi_chassis::wire;
use bojagi_settlement::{Config, NAME};
use bojagi_store::{Tx, params};
use bojagi_telemetry::TraceContext;
use bojagi_testkit::{eventually, reason};

use crate::support::{Shop, config, id, line, minor, sale, won};

#[tokio::test]
async fn an_order_of_two_sellers_with_a_platform_coupon_and_a_partial_refund_adds_up_in_every_account() {
    let shop = Shop::open().await;
    let (tea, silk) = (shop.seller(), shop.seller());
    // Tea: 2 x 10,000, the platform gives 2,000 and the seller 1,000. Silk: 30,000, the platform gives 3,000.
    let order = sale([line(&tea, 2, 17_000, 2_000, 1_000), line(&silk, 1, 27_000, 3_000, 0)]);
    shop.capture(&order).await;
    // Commission of 10 %: 1,900 of 19,000 and 3,000 of 30,000.
    let captured = [
        (PaymentClearing, 44_000),
        (CouponSubsidy, 5_000),
        (SellerPayable, -(17_100 + 27_000)),
        (CommissionIncome, -4_900),
    ];
    assert_eq!(shop.balances().await, BTreeMap::from(captured));

    // One of the two teas goes back.
    shop.refund(&order, &[order.lines[0].part(1, 8_500, 1_000, 500)]).await;
    let refunded = [
        (PaymentClearing, 35_500),
        (CouponSubsidy, 4_000),
        (SellerPayable, -(17_100 - 8_550 + 27_000)),
        (CommissionIncome, -3_950),
    ];
    assert_eq!(shop.balances().await, BTreeMap::from(refunded));
    assert_eq!(minor(shop.balance(&tea).await.unsettled.as_ref()), 8_550);
    assert_eq!(minor(shop.balance(&silk).await.unsettled.as_ref()), 27_000);

    // The rest goes back, and nothing is left anywhere.
    shop.refund(&order, &[order.lines[0].part(1, 8_500, 1_000, 500), order.lines[1].clone()]).await;
    assert!(shop.balances().await.values().all(|balance| *balance == 0));
}

#[tokio::test]
async fn r25_an_order_of_two_sellers_is_booked_once_for_each_and_a_refunded_one_is_not_shown_as_earned() {
    let shop = Shop::open().await;
    let (tea, silk) = (shop.seller(), shop.seller());
    let order = sale([line(&tea, 1, 10_000, 0, 0), line(&silk, 1, 20_000, 0, 0), line(&tea, 1, 5_000, 0, 0)]);
    shop.capture(&order).await;
    shop.refund(&order, &order.lines).await;
    assert_eq!(shop.close().await.statement_count, 2);
    for (seller, gross, captures) in [(&tea, 15_000, 2), (&silk, 20_000, 1)] {
        let statements = shop.statements(seller).await;
        let [statement] = statements.as_slice() else { panic!("{statements:?}") };
        assert_eq!((statement.capture_count, statement.refund_count), (captures, captures));
        assert_eq!((minor(statement.gross.as_ref()), minor(statement.refunds.as_ref())), (gross, gross));
        assert_eq!((minor(statement.net.as_ref()), minor(statement.commission.as_ref())), (0, 0));
    }
}

#[tokio::test]
async fn a_large_order_is_booked_as_one() {
    let shop = Shop::open().await;
    let sellers: Vec<_> = (0..20).map(|_| shop.seller()).collect();
    let lines: Vec<_> = (0..60).map(|number| line(&sellers[number % 20], 1, 1_000, 10, 0)).collect();
    let order = sale(lines);
    shop.capture(&order).await;
    assert_eq!(shop.balances().await[&PaymentClearing], 60_000);
    let closed = shop.close().await;
    assert_eq!((closed.statement_count, closed.entry_count), (20, 60));
    shop.refund(&order, &order.lines).await;
    assert!(shop.balances().await.values().all(|balance| *balance == 0));
}

#[tokio::test]
async fn the_ledger_names_the_trace_of_its_cause() {
    let shop = Shop::open().await;
    let order = sale([line(&shop.seller(), 1, 1_000, 0, 0)]);
    let trace = TraceContext::root();
    trace.clone().scope(shop.capture(&order)).await;
    let request = ListLedgerEntriesRequest { order_id: order.order_id.to_string(), ..Default::default() };
    let entries = shop.ledger().list_ledger_entries(request).await.unwrap().into_inner().entries;
    assert_eq!(entries.len(), 4);
    assert!(entries.iter().all(|entry| entry.trace_id == trace.trace_id()));
}

#[tokio::test]
async fn points_move_from_their_own_clearing_account() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.charge(10_000).await;
    assert_eq!(shop.balances().await, BTreeMap::from([(PointsClearing, 10_000), (CustomerPoints, -10_000)]));

    let mut order = sale([line(&seller, 2, 12_000, 0, 0)]);
    order.points = 7_000;
    shop.capture(&order).await;
    let balances = shop.balances().await;
    assert_eq!(balances[&PaymentClearing], 12_000);
    assert_eq!((balances[&PointsClearing], balances[&CustomerPoints]), (3_000, -3_000));

    let refund_id = id();
    let half = [order.lines[0].part(1, 6_000, 0, 0)];
    shop.payment.tell(order.payment_id, &order.refunded(&refund_id, &half, 3_500, shop.now())).await;
    shop.booked(&refund_id).await;
    let balances = shop.balances().await;
    assert_eq!(balances[&PaymentClearing], 6_000);
    assert_eq!((balances[&PointsClearing], balances[&CustomerPoints]), (6_500, -6_500));
}

#[tokio::test]
async fn a_capture_of_nothing_still_books_the_subsidy() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let order = sale([line(&seller, 1, 0, 9_000, 1_000)]);
    shop.capture(&order).await;
    let expected = [(CouponSubsidy, 9_000), (SellerPayable, -8_100), (CommissionIncome, -900)];
    assert_eq!(shop.balances().await, BTreeMap::from(expected));
    let nothing = sale([line(&seller, 1, 0, 0, 10_000)]);
    shop.capture(&nothing).await;
    assert_eq!(shop.balances().await, BTreeMap::from(expected));
    assert_eq!(shop.close().await.entry_count, 2);
}

#[tokio::test]
async fn a_fact_that_comes_again_changes_nothing() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let order = sale([line(&seller, 2, 20_000, 0, 0)]);
    let refund_id = id();
    let refunded = order.refunded(&refund_id, &[order.lines[0].part(1, 10_000, 0, 0)], 0, shop.now());
    for _ in 0..3 {
        shop.payment.tell(order.payment_id, &order.captured(shop.now())).await;
        shop.payment.tell(order.payment_id, &refunded).await;
    }
    let last = sale([line(&seller, 1, 100, 0, 0)]);
    shop.capture(&last).await;
    assert_eq!(shop.balances().await[&PaymentClearing], 10_100);
    assert_eq!(shop.count("SELECT count(*) FROM statement_entry", None).await, 3);
    assert_eq!(shop.count("SELECT count(*) FROM set_aside", None).await, 0);
}

#[tokio::test]
async fn r22_a_refund_reverses_at_the_rate_of_its_capture() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let set = |seller_id: String, rate_bps| {
        let request = SetCommissionRateRequest { request_id: id(), seller_id, rate_bps, effective_from: None };
        let mut admin = shop.calling_as(&shop.admin);
        async move { admin.set_commission_rate(request).await.unwrap() }
    };
    set(String::new(), 1_500).await;
    let before = sale([line(&seller, 3, 9_999, 0, 0)]);
    shop.capture(&before).await;
    assert_eq!(shop.balances().await[&CommissionIncome], -1_499);

    shop.wait(1);
    set(String::new(), 9_000).await;
    set(seller.account_id.to_string(), 500).await;
    for _ in 0..3 {
        shop.refund(&before, &[before.lines[0].part(1, 3_333, 0, 0)]).await;
    }
    assert_eq!(shop.balances().await[&CommissionIncome], 0);
    assert_eq!(shop.balances().await[&SellerPayable], 0);

    let after = sale([line(&seller, 1, 10_000, 0, 0)]);
    shop.capture(&after).await;
    assert_eq!(shop.balances().await[&CommissionIncome], -500);

    shop.close().await;
    let statement_id = shop.statements(&seller).await.remove(0).id;
    let request = GetStatementRequest { statement_id, ..Default::default() };
    let entries = shop.calling_as(&seller).get_statement(request).await.unwrap().into_inner().entries;
    let rates: Vec<_> = entries.iter().map(|entry| (entry.kind(), entry.commission_rate_bps)).collect();
    let (capture, refund) = (StatementEntryKind::Capture, StatementEntryKind::Refund);
    assert_eq!(rates, [(capture, 1_500), (refund, 1_500), (refund, 1_500), (refund, 1_500), (capture, 500)]);
}

#[tokio::test]
async fn a_rate_holds_from_its_moment_on_and_never_before() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let mut admin = shop.calling_as(&shop.admin);
    let mut request = SetCommissionRateRequest {
        request_id: id(),
        seller_id: seller.account_id.to_string(),
        rate_bps: 2_000,
        effective_from: Some(wire::timestamp(shop.now() + Duration::from_secs(60))),
    };
    let answered = admin.set_commission_rate(request.clone()).await.unwrap().into_inner();
    assert_eq!(admin.set_commission_rate(request.clone()).await.unwrap().into_inner(), answered);
    request.request_id = id();
    assert_eq!(reason(&admin.set_commission_rate(request.clone()).await.unwrap_err()), "RATE_EXISTS");
    shop.wait(61);
    request.request_id = id();
    assert_eq!(reason(&admin.set_commission_rate(request).await.unwrap_err()), "RATE_IN_PAST");

    // A capture of before, told late, and one of now.
    let (late, now) = (sale([line(&seller, 1, 10_000, 0, 0)]), sale([line(&seller, 1, 10_000, 0, 0)]));
    let before = shop.now() - Duration::from_secs(30);
    shop.payment.tell(late.payment_id, &late.captured(before)).await;
    shop.booked(&late.payment_id.to_string()).await;
    shop.capture(&now).await;
    assert_eq!(shop.balances().await[&CommissionIncome], -(1_000 + 2_000));
}

#[tokio::test]
async fn a_default_rate_holds_for_what_is_captured_while_it_is_set_whenever_that_is_booked() {
    let rate = |commission_rate_bps| Config { commission_rate_bps, ..config() };
    let shop = Shop::open_with(rate(1_000)).await;
    let seller = shop.seller();
    let captured_at = shop.now();
    shop.wait(60);
    let shop = shop.crash(rate(2_000), None).await;
    let (on_its_way, new) = (sale([line(&seller, 1, 10_000, 0, 0)]), sale([line(&seller, 1, 10_000, 0, 0)]));
    shop.payment.tell(on_its_way.payment_id, &on_its_way.captured(captured_at)).await;
    shop.booked(&on_its_way.payment_id.to_string()).await;
    assert_eq!(shop.balances().await[&CommissionIncome], -1_000);
    shop.capture(&new).await;
    assert_eq!(shop.balances().await[&CommissionIncome], -3_000);

    // The same again is nothing new, and what is older than everything has the first.
    let shop = shop.crash(rate(2_000), None).await;
    assert_eq!(shop.count("SELECT count(*) FROM default_commission_rate", None).await, 2);
    let old = sale([line(&seller, 1, 10_000, 0, 0)]);
    shop.payment.tell(old.payment_id, &old.captured(captured_at - Duration::from_secs(86_400))).await;
    shop.booked(&old.payment_id.to_string()).await;
    assert_eq!(shop.balances().await[&CommissionIncome], -4_000);

    // What was kept by a clock that was ahead holds neither now nor later.
    let later = shop.now() + Duration::from_secs(86_400);
    let ahead: Result<_, bojagi_store::Error> = shop
        .rig
        .store(NAME)
        .write(async move |tx: &mut Tx| {
            let sql = "INSERT INTO default_commission_rate (effective_from, rate_bps) VALUES (?1, 4000)";
            tx.execute(sql, params![later]).await
        })
        .await;
    ahead.unwrap();
    let shop = shop.crash(rate(3_000), None).await;
    shop.capture(&sale([line(&seller, 1, 10_000, 0, 0)])).await;
    assert_eq!(shop.balances().await[&CommissionIncome], -7_000);
    shop.wait(2 * 86_400);
    shop.capture(&sale([line(&seller, 1, 10_000, 0, 0)])).await;
    assert_eq!(shop.balances().await[&CommissionIncome], -10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_that_holds_from_now_on_does_not_hold_for_what_was_captured_while_it_waited() {
    let shop = Shop::open().await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (end, may_end) = std::sync::mpsc::channel();
    let store = shop.rig.store(NAME);
    let busy = tokio::spawn(async move {
        let unit = async move |_: &mut Tx| {
            begun.send(()).unwrap();
            may_end.recv().unwrap();
            Ok::<_, bojagi_store::Error>(())
        };
        store.write(unit).await
    });
    has_begun.await.unwrap();
    let mut admin = shop.calling_as(&shop.admin);
    let request = SetCommissionRateRequest { request_id: id(), rate_bps: 2_000, ..Default::default() };
    let mut setting = std::pin::pin!(admin.set_commission_rate(request));
    for _ in 0..100 {
        assert!(futures::poll!(&mut setting).is_pending());
        tokio::task::yield_now().await;
    }
    shop.wait(60);
    end.send(()).unwrap();
    let set = setting.await.unwrap().into_inner().commission_rate.unwrap();
    assert_eq!(wire::moment(&set.effective_from.unwrap()), Some(shop.now()));
    busy.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_fact_that_cannot_be_booked_is_shown_to_the_operator_and_booked_when_it_can_be() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let order = sale([line(&seller, 1, 10_000, 0, 0)]);
    // The refund comes by another aggregate, so that it can overtake its capture.
    let refund_id = id();
    let refunded = order.refunded(&refund_id, &order.lines, 0, shop.now());
    shop.payment.tell(id().parse().unwrap(), &refunded).await;
    // And a capture whose lines are not its total.
    let mut crooked = order.captured(shop.now());
    crooked.payment_id = id();
    crooked.external = won(9_999);
    shop.payment.tell(id().parse().unwrap(), &crooked).await;
    // And one that says nothing.
    shop.payment.tell(id().parse().unwrap(), &bojagi_api::payment::PaymentCaptured::default()).await;

    let list = async || {
        let request = ListParkedEventsRequest { group: "settlement".into(), ..Default::default() };
        shop.operations().list_parked_events(request).await.unwrap().into_inner().parked_events
    };
    eventually("three events are set aside", async || list().await.len() == 3).await;
    assert!(shop.balances().await.is_empty());
    assert_eq!(shop.count("SELECT count(*) FROM statement_entry", None).await, 0);

    shop.capture(&order).await;
    let parked = list().await;
    let waiting = parked.iter().find(|event| event.event_type.ends_with("PaymentRefunded")).unwrap();
    assert_eq!(waiting.state(), ParkedEventState::Retrying);
    assert!(waiting.last_error.contains("was not captured"), "{}", waiting.last_error);
    let request = ReplayParkedEventRequest { group: "settlement".into(), event_id: waiting.event_id.clone() };
    let replayed = shop.operations().replay_parked_event(request.clone()).await.unwrap().into_inner();
    assert_eq!(replayed.released_events, 1);
    shop.booked(&refund_id).await;
    assert!(shop.balances().await.values().all(|balance| *balance == 0));
    eventually("it waits no more", async || list().await.len() == 2).await;
    let gone = shop.operations().replay_parked_event(request).await.unwrap_err();
    assert_eq!(reason(&gone), "PARKED_EVENT_NOT_FOUND");
}

#[tokio::test]
async fn the_ledger_is_listed_newest_first_by_pages_and_filters() {
    let shop = Shop::open().await;
    let (tea, silk) = (shop.seller(), shop.seller());
    let orders: Vec<_> =
        (1..=5).map(|count| sale([line(&tea, count, 1_000 * count, 100, 0), line(&silk, 1, 500, 0, 0)])).collect();
    for order in &orders {
        shop.capture(order).await;
        shop.wait(60);
    }
    let all = async |filter: ListLedgerEntriesRequest| {
        let (mut entries, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListLedgerEntriesRequest { page_size: 3, page_token, ..filter.clone() };
            let page = shop.ledger().list_ledger_entries(request).await.unwrap().into_inner();
            assert!(page.entries.len() <= 3);
            entries.extend(page.entries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return entries;
            }
        }
    };
    // Capture: clearing and two sellers. Subsidy: expense and one seller. Commission: income and two sellers.
    let entries = all(ListLedgerEntriesRequest::default()).await;
    assert_eq!(entries.len(), 5 * 8);
    let ids: std::collections::BTreeSet<_> = entries.iter().map(|entry| &entry.id).collect();
    assert_eq!(ids.len(), entries.len());
    let booked: Vec<_> = entries.iter().map(|entry| entry.booked_at.unwrap().seconds).collect();
    assert!(booked.is_sorted_by(|newer, older| newer >= older));

    let of_tea = ListLedgerEntriesRequest { seller_id: tea.account_id.to_string(), ..Default::default() };
    let entries = all(of_tea).await;
    assert_eq!(entries.len(), 5 * 3);
    assert!(entries.iter().all(|entry| entry.account_kind() == SellerPayable));

    let mut of_order = ListLedgerEntriesRequest { order_id: orders[2].order_id.to_string(), ..Default::default() };
    of_order.set_transaction_kind(LedgerTransactionKind::Subsidy);
    of_order.set_account_kind(CouponSubsidy);
    let entries = all(of_order).await;
    let [subsidy] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((subsidy.side(), minor(subsidy.amount.as_ref())), (LedgerSide::Debit, 100));
    assert_eq!(subsidy.source_id, orders[2].payment_id.to_string());

    let page = ListLedgerEntriesRequest { page_size: 3, ..Default::default() };
    let token = shop.ledger().list_ledger_entries(page.clone()).await.unwrap().into_inner().next_page_token;
    let other = ListLedgerEntriesRequest { order_id: id(), page_token: token, ..page };
    assert_eq!(reason(&shop.ledger().list_ledger_entries(other).await.unwrap_err()), "INVALID_ARGUMENT");
}
