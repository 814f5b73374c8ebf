//! Connections to the database that break in the middle of everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bojagi_api::order::{self as api, OrderState};
use bojagi_store::{Error, Tx};
use bojagi_testkit::eventually;
use futures::future::join_all;
use tonic::{Code, Status};

use crate::branches::Branches;
use crate::house::{House, basket, impatient};
use crate::instances::told;

const ORDERS: usize = 48;
const CUTS: usize = 8;

/// As a client does that keeps to the retry policy: under the same request id until there is an answer.
async fn place_until_answered(house: &House, request: api::PlaceOrderRequest) -> api::Order {
    loop {
        match house.place(request.clone()).await {
            Ok(order) => return order,
            Err(status) => assert!(may_be_asked_again(&status), "{status:?}"),
        }
    }
}

fn may_be_asked_again(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Aborted | Code::ResourceExhausted | Code::DeadlineExceeded)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_becomes_one_order_and_every_order_ends_once() {
    let branches = Branches::with(impatient()).await;
    let answered = AtomicUsize::new(0);
    let placing = (0..ORDERS).map(async |number| {
        let house = if number % 2 == 0 { &branches.one } else { &branches.other };
        let order = place_until_answered(house, basket()).await;
        answered.fetch_add(1, Ordering::SeqCst);
        order.id
    });
    let cutting = async {
        for cut in 0..CUTS {
            eventually("some were answered", async || {
                // Attempts that failed come due.
                branches.peers.clock.advance(Duration::from_millis(50));
                answered.load(Ordering::SeqCst) >= cut * ORDERS / CUTS
            })
            .await;
            branches.peers.cut_connections().await;
        }
        eventually("all were answered", async || {
            branches.peers.clock.advance(Duration::from_millis(50));
            answered.load(Ordering::SeqCst) == ORDERS
        })
        .await;
    };
    let (placed, ()) = tokio::join!(join_all(placing), cutting);
    for house in [&branches.one, &branches.other] {
        house.rig.until_stores_answer().await;
    }

    for order_id in &placed {
        let order = branches.other.until(order_id, OrderState::Confirmed).await;
        assert_eq!(order.deliveries.len(), 2);
        assert_eq!(branches.one.payments.account(order_id).unwrap().captures, 1);
    }
    assert_eq!(told(&branches, "bojagi.order.v1.OrderPlaced").await, ORDERS as i64);
    assert_eq!(told(&branches, "bojagi.order.v1.OrderConfirmed").await, ORDERS as i64);
    let gaps: Result<(i64,), Error> = branches
        .one
        .rig
        .store("order")
        .read(async |tx: &mut Tx| {
            let sql =
                "SELECT count(*) FROM (SELECT 1 FROM outbox GROUP BY aggregate_id HAVING max(sequence) <> count(*)) s";
            tx.fetch_one(sql, &[]).await
        })
        .await;
    assert_eq!(gaps.unwrap().0, 0, "facts of an order are numbered without gaps");
}
