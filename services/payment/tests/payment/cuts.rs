//! Connections to the database that break in the middle of everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bojagi_api::payment::*;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_testkit::eventually;
use futures::future::join_all;
use tonic::{Code, Status};

use crate::shop::{Shop, config, minor};

const ORDERS: usize = 32;
const CUTS: usize = 8;

/// As order does: the same ask until there is an answer.
async fn until_answered<T>(ask: impl AsyncFn() -> Result<T, Status>) -> T {
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(status) => {
                assert!(matches!(status.code(), Code::Unavailable | Code::Aborted), "{status:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payment_is_taken_once_and_half_of_it_goes_back_once() {
    let one = Shop::in_process().await;
    let other = one.beside(config(), one.provider()).await;
    let mut customer = one.customer();
    customer.charge(ORDERS as i64 * 40).await;
    let method = customer.method("tok_approve").await;
    let done = AtomicUsize::new(0);
    let (payer, method, one, other, done) = (&customer, &method, &one, &other, &done);
    let paying = (0..ORDERS).map(async |number| {
        let shop = if number % 2 == 0 { one } else { other };
        let (order_id, refund_id) = (OrderId::generate().to_string(), Uuid::now_v7());
        let payment = until_answered(async || shop.authorize(payer, &order_id, method, 100, 40).await).await;
        until_answered(async || shop.capture(&payment).await).await;
        until_answered(async || shop.refund(&payment, refund_id, 50).await).await;
        done.fetch_add(1, Ordering::SeqCst);
        order_id
    });
    let cutting = async {
        for cut in 0..CUTS {
            eventually("some are done", async || done.load(Ordering::SeqCst) >= cut * ORDERS / CUTS).await;
            one.rig.cut_connections().await;
        }
    };
    let (orders, ()) = tokio::join!(join_all(paying), cutting);
    for shop in [one, other] {
        shop.rig.until_stores_answer().await;
    }

    // What was done and could not be stored is found out by the job.
    one.rig.clock.advance(Duration::from_secs(120));
    for order_id in &orders {
        eventually("half of it went back", async || minor(&one.look(order_id).await.refunded) == 50).await;
        let statement = one.statement(order_id);
        assert_eq!((statement.captures, statement.captured, statement.refunds, statement.refunded), (1, 60, 1, 30));
    }
    assert_eq!(one.told::<PaymentCaptured>().await.len(), ORDERS);
    assert_eq!(one.told::<PaymentRefunded>().await.len(), ORDERS);
    let mut customer = other.customer_again(&customer.account);
    assert_eq!(customer.points().await, (ORDERS as i64 * 20, 0));
}
