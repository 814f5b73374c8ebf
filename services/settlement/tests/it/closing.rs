//! Each capture and refund is in exactly one statement, whoever closes, whenever, however often.

use std::collections::BTreeSet;
use std::time::Duration;

use bojagi_api::settlement::{CloseStatementsRequest, GetStatementRequest, ListStatementsRequest, StatementState};
use bojagi_chassis::wire;
use bojagi_kernel::Clock;
use bojagi_settlement::{MIGRATIONS, NAME, overdue_close};
use bojagi_testkit::{Rig, eventually, reason};

use crate::support::{Shop, config, id, line, minor, sale};

const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn a_close_takes_what_was_booked_before_its_cut_off_and_a_later_refund_is_in_the_next() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let order = sale([line(&seller, 2, 20_000, 0, 0)]);
    shop.capture(&order).await;
    shop.refund(&order, &[order.lines[0].part(1, 10_000, 0, 0)]).await;
    shop.wait(10);
    let cut_off = shop.now();
    shop.refund(&order, &[order.lines[0].part(1, 10_000, 0, 0)]).await;

    let request = CloseStatementsRequest { request_id: id(), cut_off: Some(wire::timestamp(cut_off)) };
    let closed = shop.calling_as(&shop.admin).close_statements(request).await.unwrap().into_inner();
    assert_eq!((closed.statement_count, closed.entry_count), (1, 2));
    let closed = shop.close().await;
    assert_eq!((closed.statement_count, closed.entry_count), (1, 1));
    let closed = shop.close().await;
    assert_eq!((closed.statement_count, closed.entry_count), (0, 0));

    let statements = shop.statements(&seller).await;
    let nets: Vec<_> = statements.iter().map(|statement| minor(statement.net.as_ref())).collect();
    assert_eq!(nets, [-9_000, 9_000]);
    assert_eq!(statements[1].business_date, "2026-03-02");
    assert!(statements.iter().all(|statement| statement.state() == StatementState::Open));
}

#[tokio::test]
async fn a_fact_of_before_the_cut_off_that_comes_after_the_close_is_in_the_next() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let (in_time, late) = (sale([line(&seller, 1, 100, 0, 0)]), sale([line(&seller, 1, 200, 0, 0)]));
    shop.capture(&in_time).await;
    let before = shop.now();
    shop.close().await;
    shop.payment.tell(late.payment_id, &late.captured(before)).await;
    shop.booked(&late.payment_id.to_string()).await;
    assert_eq!(shop.close().await.entry_count, 1);
    let grosses: Vec<_> = shop.statements(&seller).await.iter().map(|one| minor(one.gross.as_ref())).collect();
    assert_eq!(grosses, [200, 100]);
}

#[tokio::test]
async fn sixteen_who_close_at_once_take_each_entry_once() {
    let shop = Shop::open().await;
    let sellers: Vec<_> = (0..20).map(|_| shop.seller()).collect();
    for seller in &sellers {
        let order = sale([line(seller, 1, 1_000, 0, 0), line(seller, 1, 2_000, 0, 0)]);
        shop.payment.tell(order.payment_id, &order.captured(shop.now())).await;
    }
    eventually("all is booked", async || shop.count("SELECT count(*) FROM statement_entry", None).await == 40).await;
    shop.wait(1);

    let closes = (0..16).map(|_| {
        let mut admin = shop.calling_as(&shop.admin);
        tokio::spawn(async move {
            admin.close_statements(CloseStatementsRequest { request_id: id(), cut_off: None }).await.unwrap()
        })
    });
    let (mut statements, mut entries) = (0, 0);
    for close in closes.collect::<Vec<_>>() {
        let closed = close.await.unwrap().into_inner();
        statements += closed.statement_count;
        entries += closed.entry_count;
    }
    assert_eq!((statements, entries), (20, 40));
    for seller in &sellers {
        let statements = shop.statements(seller).await;
        assert_eq!(statements.len(), 1);
        assert_eq!(minor(statements[0].net.as_ref()), 2_700);
    }
}

#[tokio::test]
async fn a_close_that_is_asked_for_again_answers_the_same_and_takes_no_more() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.capture(&sale([line(&seller, 1, 1_000, 0, 0)])).await;
    shop.wait(1);
    let request = CloseStatementsRequest { request_id: id(), cut_off: None };
    let closes = (0..16).map(|_| {
        let (mut admin, request) = (shop.calling_as(&shop.admin), request.clone());
        tokio::spawn(async move { admin.close_statements(request).await.unwrap().into_inner() })
    });
    let mut answers = Vec::new();
    for close in closes.collect::<Vec<_>>() {
        answers.push(close.await.unwrap());
    }
    shop.capture(&sale([line(&seller, 1, 1_000, 0, 0)])).await;
    shop.wait(1);
    answers.push(shop.calling_as(&shop.admin).close_statements(request.clone()).await.unwrap().into_inner());
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert_eq!((answers[0].statement_count, answers[0].entry_count), (1, 1));

    let other = CloseStatementsRequest { cut_off: Some(wire::timestamp(shop.now())), ..request };
    let refused = shop.calling_as(&shop.admin).close_statements(other).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
    let ahead = Some(wire::timestamp(shop.now() + Duration::from_secs(1)));
    let future = CloseStatementsRequest { request_id: id(), cut_off: ahead };
    let refused = shop.calling_as(&shop.admin).close_statements(future).await.unwrap_err();
    assert_eq!(reason(&refused), "CUT_OFF_IN_FUTURE");
}

#[tokio::test]
async fn the_day_is_closed_at_four_in_the_shop() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.capture(&sale([line(&seller, 1, 1_000, 0, 0)])).await;
    // From noon to one minute past four.
    shop.wait(16 * 3600 + 60);
    eventually("the day is closed", async || shop.statements(&seller).await.len() == 1).await;
    let statement = shop.statements(&seller).await.remove(0);
    assert_eq!(statement.business_date, "2026-03-03");
    assert_eq!(wire::moment(&statement.cut_off.unwrap()), Some(shop.now() - Duration::from_secs(60)));
}

#[tokio::test]
async fn r21_days_that_were_slept_through_are_caught_up_once_and_a_missing_close_is_told() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    eventually("the first close is done", async || {
        shop.count("SELECT count(*) FROM close_run WHERE finished_at IS NOT NULL", None).await == 1
    })
    .await;
    for _ in 0..3 {
        shop.capture(&sale([line(&seller, 1, 1_000, 0, 0)])).await;
    }
    let rig = shop.rig.crash().await;
    rig.clock.advance(Duration::from_secs(3 * DAY));

    // Nobody closes: it is seen.
    let context = rig.context(NAME, MIGRATIONS).await;
    let due = overdue_close(&context, &config()).await.unwrap();
    assert_eq!(due, Some(rig.clock.now() - Duration::from_secs(8 * 3600)));

    let shop = Shop::open_in(rig, config(), None).await;
    eventually("the close is caught up", async || shop.statements(&seller).await.len() == 1).await;
    eventually("nothing is missing", async || overdue_close(&context, &config()).await.unwrap().is_none()).await;
    let statement = shop.statements(&seller).await.remove(0);
    assert_eq!((statement.business_date.as_str(), statement.capture_count), ("2026-03-05", 3));
    assert_eq!(shop.close().await.statement_count, 0);
    // Another day without anything closes without a statement.
    shop.wait(DAY);
    eventually("the next day is closed", async || {
        shop.count("SELECT count(*) FROM close_run WHERE daily = TRUE AND finished_at IS NOT NULL", None).await == 3
    })
    .await;
    assert_eq!(shop.statements(&seller).await.len(), 1);
}

#[tokio::test]
async fn a_close_that_was_interrupted_is_finished_by_the_next() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.capture(&sale([line(&seller, 1, 1_000, 0, 0)])).await;
    shop.wait(1);
    // The close began and the process died before the first statement was made.
    let begun: Result<u64, bojagi_store::Error> = shop
        .rig
        .store(NAME)
        .write(async |tx: &mut bojagi_store::Tx| {
            let now = bojagi_kernel::Moment::from_micros(0);
            let run = bojagi_kernel::reexport::Uuid::now_v7();
            tx.execute(
                "INSERT INTO close_run (id, cut_off, daily, started_at) VALUES (?1, ?2, TRUE, ?2)",
                bojagi_store::params![run, now],
            )
            .await
        })
        .await;
    begun.unwrap();
    let shop = shop.crash(config(), None).await;
    assert_eq!(shop.close().await.entry_count, 1);
    assert_eq!(shop.statements(&seller).await.len(), 1);
}

const ENDED: &str = "SELECT count(*) FROM close_run WHERE daily = FALSE AND finished_at IS NOT NULL";
/// What a seller earned is more than a statement can hold.
const TOO_MUCH: &str = "UPDATE statement_entry SET gross = 9223372036854775807, commission = 0,
    net = 9223372036854775807 WHERE seller_id = ?1";
const RIGHT_AGAIN: &str = "UPDATE statement_entry SET gross = 1000, commission = 100, net = 900 WHERE seller_id = ?1";

#[tokio::test]
async fn a_seller_whose_statement_cannot_be_made_keeps_nobody_else_from_theirs() {
    let shop = Shop::open().await;
    let sellers: Vec<_> = (0..5).map(|_| shop.seller()).collect();
    for seller in sellers.iter().chain(&sellers) {
        shop.capture(&sale([line(seller, 1, 1_000, 0, 0)])).await;
    }
    let unlucky = &sellers[2];
    shop.bend(TOO_MUCH, unlucky.account_id.into()).await;
    shop.wait(1);
    let request = CloseStatementsRequest { request_id: id(), cut_off: None };
    let close = async || shop.calling_as(&shop.admin).close_statements(request.clone()).await;
    assert_eq!(close().await.unwrap_err().code(), tonic::Code::Internal);
    for seller in &sellers {
        assert_eq!(shop.statements(seller).await.len(), usize::from(seller.account_id != unlucky.account_id));
    }
    assert_eq!(shop.count(ENDED, None).await, 0);

    shop.bend(RIGHT_AGAIN, unlucky.account_id.into()).await;
    let closed = close().await.unwrap().into_inner();
    assert_eq!((closed.statement_count, closed.entry_count), (5, 10));
    assert_eq!(minor(shop.statements(unlucky).await[0].net.as_ref()), 1_800);
    assert_eq!(shop.count(ENDED, None).await, 1);
}

#[tokio::test]
async fn a_close_that_was_interrupted_is_not_taken_over_by_another_request_of_its_id() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    for _ in 0..2 {
        shop.capture(&sale([line(&seller, 1, 1_000, 0, 0)])).await;
    }
    shop.bend(TOO_MUCH, seller.account_id.into()).await;
    shop.wait(1);
    let cut_off = shop.now();
    let request = CloseStatementsRequest { request_id: id(), cut_off: Some(wire::timestamp(cut_off)) };
    let close = async |request: CloseStatementsRequest| shop.calling_as(&shop.admin).close_statements(request).await;
    assert_eq!(close(request.clone()).await.unwrap_err().code(), tonic::Code::Internal);

    shop.bend(RIGHT_AGAIN, seller.account_id.into()).await;
    let earlier = Some(wire::timestamp(cut_off - Duration::from_secs(1)));
    let refused = close(CloseStatementsRequest { cut_off: earlier, ..request.clone() }).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(shop.statements(&seller).await, []);
    assert_eq!(close(request).await.unwrap().into_inner().entry_count, 2);
}

#[tokio::test]
async fn statements_and_their_entries_are_listed_by_pages() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    for day in 0..5 {
        for _ in 0..=day {
            shop.capture(&sale([line(&seller, 1, 1_000, 0, 0)])).await;
            shop.wait(1);
        }
        shop.close().await;
    }
    let mut client = shop.calling_as(&seller);
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListStatementsRequest { page_size: 2, page_token, ..Default::default() };
        let page = client.list_statements(request).await.unwrap().into_inner();
        seen.extend(page.statements.iter().map(|statement| (statement.id.clone(), statement.capture_count)));
        // What is closed meanwhile is newer, and moves no page.
        shop.capture(&sale([line(&seller, 1, 1_000, 0, 0)])).await;
        shop.close().await;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);

    let (mut entries, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = GetStatementRequest { statement_id: seen[0].0.clone(), page_size: 2, page_token };
        let page = client.get_statement(request).await.unwrap().into_inner();
        entries.extend(page.entries.into_iter().map(|entry| entry.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(entries.len(), 5);

    let mut settled = ListStatementsRequest::default();
    settled.set_state(StatementState::Settled);
    assert!(client.list_statements(settled).await.unwrap().into_inner().statements.is_empty());
    let later = ListStatementsRequest { first_business_date: "2026-03-03".into(), ..Default::default() };
    assert!(client.list_statements(later).await.unwrap().into_inner().statements.is_empty());
}

#[tokio::test]
async fn the_check_for_a_missing_close_waits_for_its_patience() {
    let rig = Rig::new();
    let context = rig.context(NAME, MIGRATIONS).await;
    // From noon to four the next day, and to the end of the patience of half an hour.
    let mut patient = config();
    patient.close_alarm_after_minutes = 9 * 60;
    assert_eq!(overdue_close(&context, &patient).await.unwrap(), None);
    assert!(overdue_close(&context, &config()).await.unwrap().is_some());
    rig.clock.advance(Duration::from_secs(16 * 3600 + 29 * 60));
    assert_eq!(overdue_close(&context, &config()).await.unwrap(), None);
    rig.clock.advance(Duration::from_secs(2 * 60));
    assert_eq!(overdue_close(&context, &config()).await.unwrap(), Some(rig.clock.now() - Duration::from_secs(31 * 60)));
}
