//! Two processes on one store, which ask one provider.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bojagi_api::payment::*;
use bojagi_kernel::Failure;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_payment::provider::{Instruction, Knowledge, Outcome, Provider, ProviderKey, ProviderToken};
use bojagi_testkit::{Rig, eventually};
use futures::future::{BoxFuture, join_all};
use tokio::sync::Notify;

use crate::shop::{Shop, approved, config, impatient, minor};

async fn two() -> (Shop, Shop) {
    let one = Shop::in_process().await;
    let other = one.beside(config(), one.provider()).await;
    (one, other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_asks_at_both_move_money_once() {
    let (one, other) = two().await;
    let mut customer = one.customer();
    customer.charge(16 * 40).await;
    let method = customer.method("tok_approve").await;
    let (payer, method, one, other) = (&customer, &method, &one, &other);
    let orders = (0..16).map(async |_| {
        let order_id = OrderId::generate().to_string();
        let (here, there) = tokio::join!(
            one.authorize(payer, &order_id, method, 100, 40),
            other.authorize(payer, &order_id, method, 100, 40),
        );
        let payment = here.unwrap();
        assert_eq!((payment.state(), there.unwrap().state()), (PaymentState::Authorized, PaymentState::Authorized));
        let (here, there) = tokio::join!(one.capture(&payment), other.capture(&payment));
        assert_eq!((here.unwrap().state(), there.unwrap().state()), (PaymentState::Captured, PaymentState::Captured));
        let refund_id = Uuid::now_v7();
        let (here, there) = tokio::join!(one.refund(&payment, refund_id, 50), other.refund(&payment, refund_id, 50));
        assert_eq!(here.unwrap().refund.unwrap().state(), RefundState::Succeeded);
        assert_eq!(there.unwrap().refund.unwrap().state(), RefundState::Succeeded);
        order_id
    });
    for order_id in join_all(orders).await {
        let statement = one.statement(&order_id);
        assert_eq!((statement.captures, statement.captured, statement.refunds, statement.refunded), (1, 60, 1, 30));
        assert_eq!(minor(&other.look(&order_id).await.refunded), 50);
    }
    assert_eq!(one.told::<PaymentAuthorized>().await.len(), 16);
    assert_eq!(one.told::<PaymentCaptured>().await.len(), 16);
    assert_eq!(one.told::<PaymentRefunded>().await.len(), 16);
    // 20 of each 40 points came back.
    assert_eq!(other.customer_again(&customer.account).points().await, (16 * 20, 0));
}

/// Orders of the same customers at once over two processes, paid by points, by card, and by both: units about the same wallet
/// wait for each other, none of them in a circle, and every point is where it belongs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_orders_of_few_wallets_at_both_spend_each_point_once() {
    const ORDERS: i64 = 96;
    let (one, other) = two().await;
    let mut customers = Vec::new();
    for _ in 0..3 {
        let mut customer = one.customer();
        customer.charge(ORDERS * 10).await;
        let method = customer.method("tok_approve").await;
        customers.push((customer, method));
    }
    let (one, other, payers) = (&one, &other, &customers);
    let orders = (0..ORDERS).map(async |number| {
        let (payer, method) = &payers[(number % 3) as usize];
        let (here, there) = if number % 2 == 0 { (one, other) } else { (other, one) };
        let (method, total, points) =
            [("", 10, 10), (method.as_str(), 15, 10), (method.as_str(), 5, 0)][(number / 3 % 3) as usize];
        let payment = here.authorize(payer, &OrderId::generate().to_string(), method, total, points).await.unwrap();
        assert_eq!(payment.state(), PaymentState::Authorized);
        // A third of each kind is given up, the rest is taken.
        if number / 9 % 3 == 0 {
            assert_eq!(there.void(&payment.order_id).await.state(), PaymentState::Voided);
            return (number % 3, 0);
        }
        assert_eq!(there.capture(&payment).await.unwrap().state(), PaymentState::Captured);
        (number % 3, points)
    });
    let mut spent = [0; 3];
    for (customer, points) in join_all(orders).await {
        spent[customer as usize] += points;
    }
    for ((customer, _), spent) in customers.iter_mut().zip(spent) {
        assert!(spent > 0);
        assert_eq!(customer.points().await, (ORDERS * 10 - spent, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_charge_at_both_is_paid_once() {
    let (one, other) = two().await;
    let mut customer = one.customer();
    let method = customer.method("tok_approve").await;
    let request_id = Uuid::now_v7();
    let charges = (0..32).map(|number| {
        let mut customer = if number % 2 == 0 { &one } else { &other }.customer_again(&customer.account);
        let method = method.clone();
        tokio::spawn(async move { customer.charge_as(request_id, 25, &method).await.unwrap() })
    });
    let charges: Vec<_> = join_all(charges).await.into_iter().map(|answer| answer.unwrap().charge.unwrap()).collect();
    assert!(charges.iter().all(|charge| charge.id == charges[0].id && charge.state() == ChargeState::Completed));
    assert_eq!(customer.points().await, (25, 0));
    assert_eq!(one.told::<PointsCharged>().await.len(), 1);
}

/// Captures and voids at once over two processes: one of the two wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_void_at_one_that_races_a_capture_at_the_other_wins_or_loses() {
    let (one, other) = two().await;
    let mut customer = one.customer();
    customer.charge(32 * 40).await;
    let mut payments = Vec::new();
    for _ in 0..32 {
        payments.push(one.authorized(&mut customer, "tok_approve", 100, 40).await);
    }
    let (one, other) = (&one, &other);
    let races = payments.iter().map(async |payment| {
        let (captured, voided) = tokio::join!(one.capture(payment), other.void(&payment.order_id));
        let statement = async || one.statement(&payment.order_id);
        match captured {
            Ok(_) => assert_eq!((voided.state(), statement().await.captured), (PaymentState::Captured, 60)),
            Err(_) => {
                assert_eq!(voided.state(), PaymentState::Voided);
                eventually("the provider lets go", async || statement().await.voided).await;
                assert_eq!(statement().await.captured, 0);
            }
        }
        voided.state() == PaymentState::Voided
    });
    let let_go = join_all(races).await.into_iter().filter(|voided| *voided).count() as i64;
    assert_eq!(customer.points().await, (let_go * 40, 0));
    assert_eq!(one.told::<PaymentVoided>().await.len() as i64, let_go);
    assert_eq!(one.told::<PaymentCaptured>().await.len() as i64, 32 - let_go);
}

/// A provider whose answer to one kind of ask is on its way until the test lets it arrive.
struct Lagging {
    inner: Arc<dyn Provider>,
    lags: fn(&ProviderKey) -> bool,
    arrives: Notify,
    /// What was begun and what was answered, in order.
    log: Mutex<Vec<&'static str>>,
}

impl Lagging {
    fn new(inner: Arc<dyn Provider>, lags: fn(&ProviderKey) -> bool) -> Arc<Self> {
        Arc::new(Self { inner, lags, arrives: Notify::new(), log: Mutex::default() })
    }

    fn log(&self) -> Vec<&'static str> {
        self.log.lock().unwrap().clone()
    }

    fn note(&self, what: &'static str) {
        self.log.lock().unwrap().push(what);
    }
}

impl Provider for Lagging {
    fn perform<'a>(&'a self, instruction: &'a Instruction) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if matches!(instruction.key, ProviderKey::Void(_)) {
                self.note("void");
            }
            let outcome = self.inner.perform(instruction).await;
            if (self.lags)(&instruction.key) {
                self.note("begun");
                self.arrives.notified().await;
                self.note("answered");
            }
            outcome
        })
    }

    fn look_up<'a>(&'a self, key: &'a ProviderKey) -> BoxFuture<'a, Knowledge> {
        self.inner.look_up(key)
    }

    fn knows<'a>(&'a self, token: &'a ProviderToken) -> BoxFuture<'a, Result<bool, Failure>> {
        self.inner.knows(token)
    }
}

/// A provider that says yes to everything and remembers nothing: it would hold for an order whose void it has forgotten.
struct Forgetful;

impl Provider for Forgetful {
    fn perform<'a>(&'a self, _: &'a Instruction) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(approved()))
    }

    fn look_up<'a>(&'a self, _: &'a ProviderKey) -> BoxFuture<'a, Knowledge> {
        Box::pin(std::future::ready(Knowledge::NeverAsked))
    }

    fn knows<'a>(&'a self, _: &'a ProviderToken) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(std::future::ready(Ok(true)))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_void_does_not_overtake_the_authorisation_that_another_process_asks_for() {
    let provider = Lagging::new(Arc::new(Forgetful), |key| matches!(key, ProviderKey::Authorize(_)));
    let one = Shop::with_provider(Rig::new(), config(), provider.clone()).await;
    let other = one.beside(config(), provider.clone()).await;
    let mut customer = one.customer();
    let method = customer.method("tok_approve").await;
    let order_id = OrderId::generate().to_string();
    let (authorized, ()) = tokio::join!(one.authorize(&customer, &order_id, &method, 100, 0), async {
        eventually("the provider is asked", async || provider.log() == ["begun"]).await;
        // Twice, as an order does that has not heard the first answer.
        for _ in 0..2 {
            assert_eq!(other.void(&order_id).await.state(), PaymentState::Voided);
        }
        provider.arrives.notify_one();
    });
    assert_eq!(authorized.unwrap().state(), PaymentState::Voided);
    eventually("the provider is told to let go", async || provider.log().contains(&"void")).await;
    assert_eq!(provider.log(), ["begun", "answered", "void"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_died_over_is_let_go_when_nobody_can_be_asking_any_more() {
    let provider = Lagging::new(Arc::new(Forgetful), |key| matches!(key, ProviderKey::Authorize(_)));
    let one = Shop::with_provider(Rig::new(), config(), provider.clone()).await;
    let other = one.beside(config(), provider.clone()).await;
    let mut customer = one.customer();
    let method = customer.method("tok_approve").await;
    let order_id = OrderId::generate().to_string();
    tokio::select! {
        answer = one.authorize(&customer, &order_id, &method, 100, 0) => panic!("{answer:?}"),
        () = eventually("the provider is asked", async || provider.log() == ["begun"]) => {}
    }
    assert_eq!(other.void(&order_id).await.state(), PaymentState::Voided);
    let recover_after = Duration::from_millis(config().recover_after_ms);
    other.rig.clock.advance(recover_after - Duration::from_micros(1));
    assert_eq!(provider.log(), ["begun"]);
    other.rig.clock.advance(Duration::from_micros(1));
    // Each process may tell it, under the same key.
    eventually("the provider is told to let go", async || provider.log().starts_with(&["begun", "void"])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_provider_did_not_answer_is_found_out_by_both_and_told_once() {
    let one = Shop::in_process_with(impatient()).await;
    let other = one.beside(impatient(), one.provider()).await;
    let mut customer = one.customer();
    let mut payments = Vec::new();
    for _ in 0..8 {
        payments.push(one.captured(&mut customer, "tok_unresolved", 100, 0).await);
    }
    assert!(payments.iter().all(|payment| payment.state() == PaymentState::Unresolved));
    one.rig.clock.advance(Duration::from_secs(60));
    for payment in &payments {
        eventually("it is captured", async || other.look(&payment.order_id).await.state() == PaymentState::Captured)
            .await;
        assert_eq!(one.statement(&payment.order_id).captures, 1);
    }
    assert_eq!(one.told::<PaymentCaptured>().await.len(), 8);
    assert_eq!(one.told::<PaymentUnresolved>().await.len(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_a_sleeper_brings_late_changes_nothing() {
    let simulated = Shop::in_process().await;
    let lagging = Lagging::new(simulated.provider(), |key| matches!(key, ProviderKey::Capture(_)));
    let sleeper = simulated.beside(config(), lagging.clone()).await;
    let mut customer = simulated.customer();
    customer.charge(40).await;
    let payment = simulated.authorized(&mut customer, "tok_approve", 100, 40).await;
    let (late, version) = tokio::join!(sleeper.capture(&payment), async {
        eventually("the money has moved", async || lagging.log() == ["begun"]).await;
        simulated.rig.clock.advance(Duration::from_secs(60));
        let found = async || simulated.look(&payment.order_id).await;
        eventually("the other one has found out", async || found().await.state() == PaymentState::Captured).await;
        let version = found().await.version;
        lagging.arrives.notify_one();
        version
    });
    let late = late.unwrap();
    assert_eq!((late.state(), late.version), (PaymentState::Captured, version));
    assert_eq!(simulated.look(&payment.order_id).await.version, version);
    assert_eq!(simulated.statement(&payment.order_id).captures, 1);
    assert_eq!(simulated.told::<PaymentCaptured>().await.len(), 1);
    assert_eq!(customer.points().await, (0, 0));
}
