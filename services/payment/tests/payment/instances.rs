//! Two processes on one store, which ask one provider.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bojagi_api::payment::*;
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_payment::provider::{Instruction, Knowledge, Outcome, Provider, ProviderKey, ProviderToken};
use bojagi_store::{Error, LockKey, Tx, params};
use bojagi_testkit::{Rig, eventually};
use futures::future::{BoxFuture, join_all};
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::shop::{Shop, Silent, approved, config, impatient, minor, patient};

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
        // Nor does an operator who wants to know how it stands.
        let request = SyncPaymentRequest { payment_id: other.look(&order_id).await.id };
        assert!(!other.admin().sync_payment(request).await.unwrap().into_inner().changed);
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
    // Both processes find that out, and one tells it.
    eventually("nothing is under way any more", async || asked_at(&one, &order_id).await.is_none()).await;
    assert_eq!(provider.log(), ["begun", "void"]);
}

/// When the provider was asked last about an order's payment, while that is not answered.
async fn asked_at(shop: &Shop, order_id: &str) -> Option<Moment> {
    let order_id: OrderId = order_id.parse().unwrap();
    the_moment(shop, "SELECT asked_at FROM payment WHERE order_id = ?1", *order_id.as_uuid()).await
}

/// The same about a customer's charge.
async fn charge_asked_at(shop: &Shop, account_id: AccountId) -> Option<Moment> {
    the_moment(shop, "SELECT asked_at FROM points_charge WHERE account_id = ?1", *account_id.as_uuid()).await
}

async fn the_moment(shop: &Shop, sql: &'static str, id: Uuid) -> Option<Moment> {
    let read = async move |tx: &mut Tx| tx.fetch_optional(sql, params![id]).await;
    let found: Result<Option<(Option<Moment>,)>, Error> = shop.rig.store("payment").read(read).await;
    found.unwrap().and_then(|(asked_at,)| asked_at)
}

/// Has a unit of one process hold a lock until `work` elsewhere waits for it; a second passes meanwhile.
async fn while_held(holder: &Shop, lock: LockKey, work: impl Future<Output: Send> + Send + 'static) {
    const BEHIND: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted AND objsubid = 1 AND pg_backend_pid() = ANY(pg_blocking_pids(pid))";
    let (begins, begun) = oneshot::channel();
    let (clock, gives_up) = (Arc::clone(&holder.rig.clock), Instant::now() + Duration::from_secs(20));
    let unit = async move |tx: &mut Tx| {
        let (mut behind,): (i64,) = tx.fetch_one(BEHIND, &[]).await?;
        begins.send(()).unwrap();
        while behind == 0 && Instant::now() < gives_up {
            (behind,) = tx.fetch_one(BEHIND, &[]).await?;
        }
        clock.advance(Duration::from_secs(1));
        Ok::<_, Error>(behind)
    };
    let store = holder.rig.store("payment");
    let held = tokio::spawn(async move { store.write_locking([lock], unit).await });
    begun.await.unwrap();
    tokio::spawn(work);
    assert_eq!(held.await.unwrap().unwrap(), 1);
}

/// What undoes an ask waits from when its own attempt was stored, so the wait for a lock must not count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_lock_is_dated_when_it_has_it() {
    let provider = Arc::new(Silent { answers: |_| false });
    let one = Arc::new(Shop::with_provider(Rig::new(), patient(), provider.clone()).await);
    if !one.rig.store("payment").is_shared() {
        eprintln!("skipped: with a file a unit begins once it has it");
        return;
    }
    let other = Arc::new(one.beside(patient(), provider).await);
    let mut customer = one.customer();
    let method = customer.method("tok_approve").await;
    let order_id = OrderId::generate().to_string();
    let lock = LockKey::of(order_id.parse::<OrderId>().unwrap());
    let dated_now = async || asked_at(&one, &order_id).await == Some(one.rig.clock.now());

    let (shop, payer, order) = (Arc::clone(&one), one.customer_again(&customer.account), order_id.clone());
    let by = method.clone();
    while_held(&other, lock, async move { shop.authorize(&payer, &order, &by, 100, 0).await }).await;
    eventually("the authorisation is under way", dated_now).await;

    let (shop, payment_id) = (Arc::clone(&other), one.look(&order_id).await.id);
    let again = async move { shop.admin().sync_payment(SyncPaymentRequest { payment_id }).await };
    while_held(&one, lock, again).await;
    eventually("it is asked about again", dated_now).await;

    let (shop, order) = (Arc::clone(&one), order_id.clone());
    while_held(&other, lock, async move { shop.void(&order).await }).await;
    eventually("it is voided", dated_now).await;
    assert_eq!(one.look(&order_id).await.state(), PaymentState::Voided);

    let account_id = customer.account.account_id;
    let charge = async move { customer.charge_as(Uuid::now_v7(), 25, &method).await };
    while_held(&other, LockKey::of(account_id), charge).await;
    let charged_now = async || charge_asked_at(&one, account_id).await == Some(one.rig.clock.now());
    eventually("the charge is under way", charged_now).await;
}

/// A provider that loses each answer to a refund, and whose look-ups, which find them all, wait until a test lets them go.
struct LosesRefunds {
    looked_up: AtomicUsize,
    may_look_up: Semaphore,
}

impl Provider for LosesRefunds {
    fn perform<'a>(&'a self, instruction: &'a Instruction) -> BoxFuture<'a, Outcome> {
        let is_lost = matches!(instruction.key, ProviderKey::Refund(..));
        Box::pin(std::future::ready(if is_lost { Outcome::Unknown } else { approved() }))
    }

    fn look_up<'a>(&'a self, _: &'a ProviderKey) -> BoxFuture<'a, Knowledge> {
        Box::pin(async move {
            self.looked_up.fetch_add(1, Ordering::SeqCst);
            drop(self.may_look_up.acquire().await.unwrap());
            Knowledge::Known(approved())
        })
    }

    fn knows<'a>(&'a self, _: &'a ProviderToken) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(std::future::ready(Ok(true)))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_hears_what_the_provider_says_even_if_others_ask_it_too() {
    let provider = Arc::new(LosesRefunds { looked_up: AtomicUsize::new(0), may_look_up: Semaphore::new(0) });
    let shop = Shop::with_provider(Rig::new(), config(), provider.clone()).await;
    let payment = shop.captured(&mut shop.customer(), "tok_approve", 100, 0).await;
    for _ in 0..2 {
        let answer = shop.refund(&payment, Uuid::now_v7(), 50).await.unwrap();
        assert_eq!(answer.refund.unwrap().state(), RefundState::Pending);
    }
    let request = SyncPaymentRequest { payment_id: payment.id.clone() };
    let mut admin = shop.admin();
    let (synced, ()) = tokio::join!(admin.sync_payment(request), async {
        eventually("the first is looked up", async || provider.looked_up.load(Ordering::SeqCst) == 1).await;
        // Another process asks about them meanwhile.
        let later = shop.rig.clock.now() + Duration::from_micros(1);
        let asks = async move |tx: &mut Tx| tx.execute("UPDATE refund SET asked_at = ?1", params![later]).await;
        let asked: Result<u64, Error> = shop.rig.store("payment").write(asks).await;
        assert_eq!(asked.unwrap(), 2);
        provider.may_look_up.add_permits(1);
    });
    let synced = synced.unwrap().into_inner();
    assert!(synced.changed);
    assert_eq!(synced.payment.unwrap().state(), PaymentState::Refunded);
}

/// A provider that answers to nothing but voids, and whose look-ups wait until a test lets them go.
struct Doubtful {
    looked_up: AtomicUsize,
    may_look_up: Semaphore,
    performed: Arc<Mutex<Vec<ProviderKey>>>,
}

impl Doubtful {
    fn new(performed: &Arc<Mutex<Vec<ProviderKey>>>, look_ups: usize) -> Arc<Self> {
        let may_look_up = Semaphore::new(look_ups);
        Arc::new(Self { looked_up: AtomicUsize::new(0), may_look_up, performed: Arc::clone(performed) })
    }

    fn looked_up(&self) -> usize {
        self.looked_up.load(Ordering::SeqCst)
    }
}

impl Provider for Doubtful {
    fn perform<'a>(&'a self, instruction: &'a Instruction) -> BoxFuture<'a, Outcome> {
        self.performed.lock().unwrap().push(instruction.key);
        let is_void = matches!(instruction.key, ProviderKey::Void(_));
        Box::pin(std::future::ready(if is_void { approved() } else { Outcome::Unknown }))
    }

    fn look_up<'a>(&'a self, _: &'a ProviderKey) -> BoxFuture<'a, Knowledge> {
        Box::pin(async move {
            self.looked_up.fetch_add(1, Ordering::SeqCst);
            drop(self.may_look_up.acquire().await.unwrap());
            Knowledge::NeverAsked
        })
    }

    fn knows<'a>(&'a self, _: &'a ProviderToken) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(std::future::ready(Ok(true)))
    }
}

/// The job of one process has found more authorisations in doubt than it asks about at once, and is held up over the first of them
/// until the last one was voided and let go by another process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorisation_that_a_job_found_long_ago_is_not_asked_for_after_its_void() {
    const AT_ONCE: usize = 16;
    let performed = Arc::default();
    let slow = Doubtful::new(&performed, 0);
    let one = Shop::with_provider(Rig::new(), config(), slow.clone()).await;
    let mut customer = one.customer();
    for _ in 0..AT_ONCE {
        assert_eq!(one.authorized(&mut customer, "tok_approve", 100, 0).await.state(), PaymentState::Unresolved);
    }
    one.rig.clock.advance(Duration::from_secs(1));
    let last = one.authorized(&mut customer, "tok_approve", 100, 0).await;
    let order_id = last.order_id.parse().unwrap();
    one.rig.clock.advance(Duration::from_secs(60));
    eventually("the job is held up", async || slow.looked_up() == AT_ONCE).await;

    assert_eq!(one.void(&last.order_id).await.state(), PaymentState::Voided);
    let other = one.beside(config(), Doubtful::new(&performed, AT_ONCE)).await;
    one.rig.clock.advance(Duration::from_secs(60));
    let void = ProviderKey::Void(order_id);
    eventually("it is let go", async || performed.lock().unwrap().contains(&void)).await;
    other.rig.stop.cancel();

    slow.may_look_up.add_permits(AT_ONCE);
    eventually("the job goes on, and comes to its next round", async || {
        one.rig.clock.advance(Duration::from_secs(60));
        slow.looked_up() > AT_ONCE + 1
    })
    .await;
    let performed = performed.lock().unwrap();
    let let_go = performed.iter().position(|key| *key == void).unwrap();
    assert!(!performed[let_go..].contains(&ProviderKey::Authorize(order_id)));
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
