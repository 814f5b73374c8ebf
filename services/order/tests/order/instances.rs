//! Several processes on one store: who drives an order, who sees it change, and what a request means to all of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bojagi_api::order::{self as api, MoneyState, OrderState};
use bojagi_api::payment::PaymentState;
use bojagi_order::Config;
use bojagi_store::{Error, Tx};
use bojagi_testkit::eventually;
use futures::future::join_all;
use tokio::sync::Notify;
use tonic::Code;

use crate::branches::Branches;
use crate::house::{House, basket, impatient, patient};
use crate::peers::{Fault, Hold, Script};

/// How long a driver holds an order.
const LEASE: Duration = Duration::from_secs(20);
const MOMENT: Duration = Duration::from_micros(1);

type At = fn(&House) -> &Script;

const RESERVE_STOCK: At = |house| &house.stock.reserve;
const RESERVE_REDEMPTIONS: At = |house| &house.coupons.reserve;
const AUTHORIZE: At = |house| &house.payments.authorize;
const CAPTURE: At = |house| &house.payments.capture;
const VOID: At = |house| &house.payments.void;

/// The first process dies while it is at `step` of the order, for good. The lease has been held since the last commit.
async fn dies_at(branches: Branches, step: At) -> Branches {
    step(&branches.one).called(1).await;
    let Branches { one, other, peers } = branches;
    let grave = one.rig.crash().await;
    Branches { one: House { rig: grave, ..one }, other, peers }
}

/// Lets time pass until just before the lease ends, and waits until the survivor has looked at what is due by then.
async fn not_before_its_lease_ends(branches: &Branches, order_id: &str) {
    let survivor = &branches.other;
    // It waits for its next attempt, and that has come by the time of this look.
    survivor.coupons.reserve.then([Fault::Unavailable]);
    let due = survivor.place_and_leave().await;
    eventually("the first attempt of another order failed", async || {
        survivor.saga(&due).await.steps.iter().any(|step| step.attempts > 0 && !step.last_error.is_empty())
    })
    .await;
    survivor.rig.clock.advance(LEASE - MOMENT);
    eventually("the survivor has looked", async || survivor.order(&due).await.state() == OrderState::Confirmed).await;
    assert_eq!(survivor.saga(order_id).await.lease_epoch, 1, "it was taken over before its lease ended");
    survivor.rig.clock.advance(MOMENT);
}

#[tokio::test]
async fn on_the_way_forward_a_survivor_takes_over_when_the_lease_ends_and_not_before() {
    for (step, fault) in [
        (RESERVE_STOCK, Fault::Hang),
        (RESERVE_REDEMPTIONS, Fault::HangAfter),
        (AUTHORIZE, Fault::HangAfter),
        (CAPTURE, Fault::Hang),
        (CAPTURE, Fault::HangAfter),
    ] {
        let branches = Branches::open().await;
        step(&branches.one).then([fault]);
        let order_id = branches.one.place_and_leave().await;
        let branches = dies_at(branches, step).await;
        not_before_its_lease_ends(&branches, &order_id).await;
        let survivor = &branches.other;
        eventually("the order is confirmed", async || survivor.order(&order_id).await.state() == OrderState::Confirmed)
            .await;
        assert_eq!(survivor.payments.account(&order_id).unwrap().captures, 1);
        assert_eq!(survivor.saga(&order_id).await.lease_epoch, 2);
    }
}

#[tokio::test]
async fn on_the_way_back_a_survivor_takes_over_when_the_lease_ends_and_not_before() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let branches = Branches::open().await;
        branches.one.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
        branches.one.payments.void.then([fault]);
        let order_id = branches.one.place_and_leave().await;
        let branches = dies_at(branches, VOID).await;
        not_before_its_lease_ends(&branches, &order_id).await;
        let survivor = &branches.other;
        eventually("the order is undone", async || survivor.order(&order_id).await.state() == OrderState::Cancelled)
            .await;
        assert_eq!(survivor.order(&order_id).await.failure.unwrap().reason, "OUT_OF_STOCK");
        assert_eq!(survivor.payments.kept(&order_id), 0);
    }
}

#[tokio::test]
async fn money_goes_back_once_whoever_asks() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let branches = Branches::with(impatient()).await;
        let order_id = branches.one.place(basket()).await.unwrap().id;
        branches.one.payments.refund.then([fault]);
        branches.one.cancel(&order_id).await.unwrap();
        // Either may drive it. Whoever does is left behind by its lease.
        branches.one.payments.refund.called(1).await;
        branches.other.rig.clock.advance(LEASE);
        let order = branches.other.until(&order_id, OrderState::Cancelled).await;
        assert_eq!(order.money_state(), MoneyState::Refunded);
        assert_eq!(branches.other.payments.account(&order_id).unwrap().refunds.len(), 1);
        assert_eq!(branches.other.payments.kept(&order_id), 0);
    }
}

#[tokio::test]
async fn a_process_that_comes_back_under_its_name_goes_on_at_once() {
    let house = House::open().await;
    house.payments.capture.then([Fault::HangAfter]);
    let order_id = house.place_and_leave().await;
    house.payments.capture.called(1).await;
    let house = house.crash().await;
    // No time has passed.
    eventually("it goes on", async || house.order(&order_id).await.state() == OrderState::Confirmed).await;
    assert_eq!(house.payments.account(&order_id).unwrap().captures, 1);
}

/// Nothing is taken for unanswered while a test watches, and there is room for one order on its way.
fn sleepy() -> Config {
    Config { orders_at_once: 1, ..patient() }
}

/// A driver sleeps with an answer on its way to it, for longer than its lease.
async fn sleeps_past_its_lease(config: Config, step: At) -> (Branches, String, Arc<Notify>) {
    let branches = Branches::with(config).await;
    let arrives = Arc::new(Notify::new());
    step(&branches.one).then([Fault::AnswerLater(Arc::clone(&arrives))]);
    let order_id = branches.one.place_and_leave().await;
    step(&branches.one).called(1).await;
    branches.other.rig.clock.advance(Duration::from_secs(1_800));
    (branches, order_id, arrives)
}

/// There is room for one order only, so room for another means that the sleeper has come to its commit and gone.
async fn wakes_and_is_gone(branches: &Branches, arrives: &Notify) {
    arrives.notify_one();
    eventually("the sleeper has gone", async || branches.one.place(basket()).await.is_ok()).await;
}

#[tokio::test]
async fn a_sleeper_that_wakes_asks_in_vain_and_commits_nothing() {
    for step in [RESERVE_STOCK, AUTHORIZE, CAPTURE] {
        let (branches, order_id, arrives) = sleeps_past_its_lease(sleepy(), step).await;
        let other = &branches.other;
        eventually("the other one confirms", async || other.order(&order_id).await.state() == OrderState::Confirmed)
            .await;
        eventually("the stock is sold", async || other.stock.hold(&order_id) == Some(Hold::Sold)).await;
        let before = (other.order(&order_id).await, other.saga(&order_id).await);
        wakes_and_is_gone(&branches, &arrives).await;
        assert_eq!((other.order(&order_id).await, other.saga(&order_id).await), before);
        assert_eq!(before.1.lease_epoch, 2);
        assert_eq!(other.payments.account(&order_id).unwrap().captures, 1);
        let moves = other.stock.moves.lock().unwrap().iter().filter(|(moved, _)| *moved == order_id).count();
        assert_eq!(moves, 2, "reserved and sold, once each");
    }
}

#[tokio::test]
async fn a_sleeper_that_wakes_after_the_end_of_its_order_takes_nothing() {
    // The order's own deadline has passed too, so the other one undoes it.
    let config = Config { deadline_seconds: 30, ..sleepy() };
    let (branches, order_id, arrives) = sleeps_past_its_lease(config, AUTHORIZE).await;
    let other = &branches.other;
    eventually("the other one undoes it", async || other.order(&order_id).await.state() == OrderState::Cancelled).await;
    let before = other.order(&order_id).await;
    assert_eq!(before.failure.as_ref().unwrap().reason, "ORDER_TIMED_OUT");
    wakes_and_is_gone(&branches, &arrives).await;
    assert_eq!(other.order(&order_id).await, before);
    assert_eq!(other.payments.state(&order_id), Some(PaymentState::Voided));
    assert_eq!(other.payments.kept(&order_id), 0);
}

#[tokio::test]
async fn a_wish_to_cancel_reaches_the_driver_in_another_process() {
    let branches = Branches::with(sleepy()).await;
    branches.one.payments.capture.then([Fault::Hang]);
    let order_id = branches.one.place_and_leave().await;
    branches.one.payments.capture.called(1).await;
    assert!(branches.other.cancel(&order_id).await.unwrap().cancel_requested);
    // No time passes: it is the driver itself that turns round, and not somebody who takes over.
    eventually("it is undone", async || branches.other.order(&order_id).await.state() == OrderState::Cancelled).await;
    let order = branches.other.order(&order_id).await;
    assert_eq!(order.failure.unwrap().reason, "CANCELLED_BY_CUSTOMER");
    assert_eq!(branches.other.payments.kept(&order_id), 0);
    assert_eq!(branches.other.saga(&order_id).await.lease_epoch, 1);
}

/// R17 over two processes: void or refund, never both, never neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r17_cancelling_here_races_confirming_there() {
    let branches = Branches::open().await;
    let races = (0..16).map(async |_| {
        let order_id = branches.one.place_and_leave().await;
        let cancelled = branches.other.cancel(&order_id).await.unwrap();
        assert!(cancelled.cancel_requested);
        order_id
    });
    for order_id in join_all(races).await {
        let order = branches.other.until(&order_id, OrderState::Cancelled).await;
        let account = branches.other.payments.account(&order_id).unwrap();
        assert_eq!(branches.other.payments.kept(&order_id), 0);
        match order.failure {
            Some(failure) => assert_eq!((failure.reason.as_str(), account.captures), ("CANCELLED_BY_CUSTOMER", 0)),
            None => assert_eq!((account.captures, account.refunds.len()), (1, 1)),
        }
    }
}

/// X2 over two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_at_both_places_one_order() {
    let branches = Branches::open().await;
    let request = basket();
    let calls = (0..64).map(|number| {
        let mut orders = if number % 2 == 0 { branches.one.orders() } else { branches.other.orders() };
        let request = request.clone();
        tokio::spawn(async move { orders.place_order(request).await.unwrap().into_inner().order.unwrap() })
    });
    let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    let placed: BTreeSet<_> = answers.iter().map(|order| order.id.clone()).collect();
    assert_eq!(placed.len(), 1);
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(answers[0].state(), OrderState::Confirmed);
    assert_eq!(branches.one.payments.account(&answers[0].id).unwrap().captures, 1);
    assert_eq!(told(&branches, "bojagi.order.v1.OrderPlaced").await, 1);
    assert_eq!(told(&branches, "bojagi.order.v1.OrderConfirmed").await, 1);

    let other = api::PlaceOrderRequest { request_id: request.request_id, ..basket() };
    let refused = branches.other.place(other).await.unwrap_err();
    assert_eq!(bojagi_testkit::reason(&refused), "IDEMPOTENCY_KEY_REUSED");
}

/// Facts of a type that were told so far.
pub(crate) async fn told(branches: &Branches, event_type: &'static str) -> i64 {
    let count: Result<(i64,), Error> = branches
        .other
        .rig
        .store("order")
        .read(async move |tx: &mut Tx| {
            tx.fetch_one("SELECT count(*) FROM outbox WHERE event_type = ?1", bojagi_store::params![event_type]).await
        })
        .await;
    count.unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_wait_for_another_attempt_are_driven_by_either_and_by_one_at_a_time() {
    let branches = Branches::open().await;
    branches.one.payments.authorize.then(vec![Fault::Unavailable; 24]);
    let placed = (0..24).map(|number| if number % 2 == 0 { &branches.one } else { &branches.other });
    let placed = join_all(placed.map(async |house| house.place_and_leave().await)).await;
    for order_id in &placed {
        branches.other.until(order_id, OrderState::Confirmed).await;
        assert_eq!(branches.other.payments.account(order_id).unwrap().captures, 1);
    }
    assert_eq!(told(&branches, "bojagi.order.v1.OrderConfirmed").await, 24);
}

#[tokio::test]
async fn who_watches_elsewhere_sees_every_end() {
    let branches = Branches::with(sleepy()).await;
    let arrives = Arc::new(Notify::new());
    branches.one.payments.capture.then([Fault::AnswerLater(Arc::clone(&arrives))]);
    let order_id = branches.one.place_and_leave().await;
    let request = api::WatchOrderRequest { order_id: order_id.clone() };
    let mut sights = branches.other.orders().watch_order(request).await.unwrap().into_inner();
    let mut next = async || {
        let sight = tokio::time::timeout(Duration::from_secs(10), sights.message()).await;
        sight.unwrap().unwrap().and_then(|sight| sight.order).map(|order| order.state())
    };
    assert_eq!(next().await, Some(OrderState::Pending));
    arrives.notify_one();
    assert_eq!(next().await, Some(OrderState::Confirmed));
    branches.one.cancel(&order_id).await.unwrap();
    let mut last = None;
    while let Some(state) = next().await {
        last = Some(state);
    }
    assert_eq!(last, Some(OrderState::Cancelled));
}
