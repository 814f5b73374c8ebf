//! Two processes on one store: days are closed once, sellers are paid once, facts are booked once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bojagi_api::settlement::{LedgerAccountKind, PayoutState, RequestSettlementResponse};
use bojagi_kernel::reexport::Uuid;
use bojagi_settlement::{Bank, BankAnswer, BankSilent, BankToken, Config, PayoutOrder};
use bojagi_testkit::{TestAccount, eventually};
use futures::future::{BoxFuture, join_all};
use tokio::sync::Notify;

use crate::support::{Shop, config, everything, id, line, minor, sale};

const DAY: u64 = 24 * 60 * 60;
const SELLERS: usize = 12;
const CLOSED: &str = "SELECT count(*) FROM close_run WHERE daily = TRUE AND finished_at IS NOT NULL";

/// Sellers who sold something for 1,000 and something for 2,000, of which 2,700 is theirs.
async fn sold(shop: &Shop) -> Vec<TestAccount> {
    let sellers: Vec<_> = (0..SELLERS).map(|_| shop.seller()).collect();
    for seller in &sellers {
        let order = sale([line(seller, 1, 1_000, 0, 0), line(seller, 1, 2_000, 0, 0)]);
        shop.payment.tell(order.payment_id, &order.captured(shop.now())).await;
    }
    let entries = "SELECT count(*) FROM statement_entry";
    eventually("all is booked", async || shop.count(entries, None).await == 2 * SELLERS as i64).await;
    sellers
}

/// Facts of a type that were told so far.
async fn told(shop: &Shop, event_type: &'static str) -> i64 {
    let store = shop.rig.store(bojagi_settlement::NAME);
    let count: Result<(i64,), bojagi_store::Error> = store
        .read(async move |tx: &mut bojagi_store::Tx| {
            tx.fetch_one("SELECT count(*) FROM outbox WHERE event_type = ?1", bojagi_store::params![event_type]).await
        })
        .await;
    count.unwrap().0
}

async fn each_has_one_statement(shop: &Shop, sellers: &[TestAccount]) {
    for seller in sellers {
        let statements = shop.statements(seller).await;
        assert_eq!(statements.len(), 1);
        assert_eq!((statements[0].capture_count, minor(statements[0].net.as_ref())), (2, 2_700));
    }
    assert_eq!(told(shop, "bojagi.settlement.v1.StatementClosed").await, sellers.len() as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_both_close_has_one_set_of_statements() {
    let one = Shop::open().await;
    let other = one.beside(config(), None).await;
    eventually("what was due at the start is closed", async || one.count(CLOSED, None).await == 1).await;
    let sellers = sold(&one).await;
    one.wait(DAY);
    eventually("the day is closed", async || one.count(CLOSED, None).await == 2).await;
    // Whoever else comes to it finds nothing left.
    assert_eq!((one.close().await.entry_count, other.close().await.entry_count), (0, 0));
    each_has_one_statement(&other, &sellers).await;
}

/// R21 over two processes: the close did not run for days; both come back at once and catch up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r21_days_that_were_missed_are_caught_up_and_paid_once() {
    // Without a secret each process has one of its own, and only its own simulated bank knows it.
    let without_secret = Config { bank_webhook_secret: String::new(), ..config() };
    let one = Shop::open().await;
    let sellers = sold(&one).await;
    for seller in &sellers {
        one.register(seller, "bank_ok").await;
    }
    let admin = one.admin.clone();
    let rig = one.rig.crash().await;
    rig.clock.advance(Duration::from_secs(3 * DAY));
    let one = Shop { admin, ..Shop::open_in(rig, without_secret.clone(), None).await };
    let other = one.beside(without_secret, None).await;
    eventually("the close is caught up", async || told(&one, "bojagi.settlement.v1.StatementClosed").await > 0).await;
    eventually("all of it", async || one.count("SELECT count(*) FROM statement", None).await == SELLERS as i64).await;
    each_has_one_statement(&other, &sellers).await;

    let settled = sellers.iter().map(async |seller| {
        let request = everything(id());
        let (mut here, mut there) = (one.calling_as(seller), other.calling_as(seller));
        let (here, there) =
            tokio::join!(here.request_settlement(request.clone()), there.request_settlement(request.clone()));
        let (here, there) = (here.unwrap().into_inner(), there.unwrap().into_inner());
        assert_eq!(here, there);
        payout(&here)
    });
    for payout_id in join_all(settled).await {
        let paid = other.payout_is(&payout_id, PayoutState::Paid).await;
        assert_eq!(minor(paid.amount.as_ref()), 2_700);
    }
    assert_eq!(one.count("SELECT count(*) FROM payout", None).await, SELLERS as i64);
    assert_eq!(told(&one, "bojagi.settlement.v1.PayoutPaid").await, SELLERS as i64);
    assert_eq!(other.balances().await[&LedgerAccountKind::Bank], -(2_700 * SELLERS as i64));
}

fn payout(settled: &RequestSettlementResponse) -> String {
    settled.settlements[0].payout.as_ref().unwrap().id.clone()
}

/// A bank that takes every order, sooner or later, and counts.
#[derive(Default)]
struct CountingBank {
    asked: Mutex<BTreeMap<Uuid, u32>>,
}

impl CountingBank {
    fn asked(&self) -> Vec<u32> {
        self.asked.lock().unwrap().values().copied().collect()
    }
}

impl Bank for CountingBank {
    fn knows<'a>(&'a self, _: &'a BankToken) -> BoxFuture<'a, Result<bool, BankSilent>> {
        Box::pin(std::future::ready(Ok(true)))
    }

    fn pay(&self, order: PayoutOrder) -> BoxFuture<'_, Result<BankAnswer, BankSilent>> {
        *self.asked.lock().unwrap().entry(order.payout_id).or_default() += 1;
        Box::pin(std::future::ready(Ok(BankAnswer::Taken)))
    }
}

/// The same bank over a wire on which answers travel until the test lets them arrive.
struct SlowWire {
    bank: Arc<CountingBank>,
    arrives: Notify,
}

impl Bank for SlowWire {
    fn knows<'a>(&'a self, token: &'a BankToken) -> BoxFuture<'a, Result<bool, BankSilent>> {
        self.bank.knows(token)
    }

    fn pay(&self, order: PayoutOrder) -> BoxFuture<'_, Result<BankAnswer, BankSilent>> {
        Box::pin(async move {
            let answer = self.bank.pay(order).await;
            self.arrives.notified().await;
            answer
        })
    }
}

async fn settled(shop: &Shop, sellers: &[TestAccount]) -> Vec<String> {
    shop.close().await;
    let settling = sellers.iter().map(async |seller| {
        shop.register(seller, "any").await;
        payout(&shop.settle(seller).await.unwrap())
    });
    join_all(settling).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_payout_is_given_to_the_bank_by_one_of_them() {
    let bank = Arc::new(CountingBank::default());
    let one = Shop::open_in(bojagi_testkit::Rig::new(), config(), Some(bank.clone())).await;
    let other = one.beside(config(), Some(bank.clone())).await;
    let sellers = sold(&one).await;
    for payout_id in settled(&other, &sellers).await {
        one.payout_is(&payout_id, PayoutState::InTransit).await;
    }
    assert_eq!(bank.asked(), [1; SELLERS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_whose_sender_sleeps_is_given_again_and_paid_once() {
    let bank = Arc::new(CountingBank::default());
    let wire = Arc::new(SlowWire { bank: Arc::clone(&bank), arrives: Notify::new() });
    let patient = Config { bank_timeout_ms: 600_000, payout_fee_minor_units: 10, ..config() };
    let sleeper = Shop::open_in(bojagi_testkit::Rig::new(), patient.clone(), Some(wire.clone())).await;
    let seller = sleeper.seller();
    sleeper.capture(&sale([line(&seller, 1, 3_000, 0, 0)])).await;
    let payout_id = settled(&sleeper, std::slice::from_ref(&seller)).await.remove(0);
    eventually("the bank is asked", async || bank.asked() == [1]).await;

    let other = sleeper.beside(patient, Some(bank.clone())).await;
    // The attempt counts as lost when the bank's time is over, and a second later it is made again.
    other.wait(601);
    other.payout_is(&payout_id, PayoutState::InTransit).await;
    assert_eq!(bank.asked(), [2], "under the same key");
    wire.arrives.notify_one();
    // What the sleeper brings is known by now: no fee is booked twice, nothing moves.
    let balances = other.balances().await;
    assert_eq!(balances[&LedgerAccountKind::Bank], -10);
    assert_eq!(other.payout(&payout_id).await.state(), PayoutState::InTransit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bank_was_asked_by_a_process_that_died_is_told_to_the_other() {
    let slow = Config { simulated_bank_pays_after_ms: 60_000, bank_webhook_secret: String::new(), ..config() };
    let one = Shop::open_with(slow.clone()).await;
    let other = one.beside(slow, None).await;
    let seller = one.seller();
    one.capture(&sale([line(&seller, 1, 3_000, 0, 0)])).await;
    one.close().await;
    one.register(&seller, "bank_ok").await;
    let payout_id = payout(&one.settle(&seller).await.unwrap());
    other.payout_is(&payout_id, PayoutState::InTransit).await;
    drop(one.rig.crash().await);
    other.wait(60);
    other.payout_is(&payout_id, PayoutState::Paid).await;
    assert_eq!(told(&other, "bojagi.settlement.v1.PayoutPaid").await, 1);
}

/// X1 while connections to the database break: each fact is booked once, whoever of the two hears it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_while_connections_break_is_booked_once() {
    let one = Shop::open().await;
    let other = one.beside(config(), None).await;
    let seller = one.seller();
    for number in 1..=64 {
        let order = sale([line(&seller, 1, 1_000, 0, 0)]);
        one.payment.tell(order.payment_id, &order.captured(one.now())).await;
        if number % 8 == 0 {
            one.rig.cut_connections().await;
        }
    }
    for shop in [&one, &other] {
        shop.rig.until_stores_answer().await;
    }
    eventually("all is booked", async || {
        // A reaction that failed comes due again.
        one.rig.clock.advance(Duration::from_millis(50));
        one.count("SELECT count(*) FROM statement_entry", None).await == 64
    })
    .await;
    assert_eq!(one.count("SELECT count(*) FROM ledger_transaction WHERE kind = 'CAPTURE'", None).await, 64);
    assert_eq!(other.balances().await[&LedgerAccountKind::PaymentClearing], 64_000);
    assert_eq!(one.count("SELECT count(*) FROM set_aside", None).await, 0);
    assert_eq!(one.count("SELECT count(*) FROM inbox", None).await, 64);
}
