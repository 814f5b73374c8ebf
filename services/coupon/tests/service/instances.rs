//! Two processes on one store: a piece of a coupon is issued once, used once, and told to have expired once.

use std::time::Duration;

use bojagi_api::coupon::{
    Coupon, CouponExpired, CouponIssued, CouponReleased, CouponReserved, GetCouponRequest, IssueCouponRequest,
};
use bojagi_testkit::{eventually, reason};
use futures::future::join_all;
use tonic::Code;

use crate::shop::{Shop, ask, fixed, new_id, with_piece};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_customers_at_both_exactly_the_limit_get_one() {
    let one = Shop::open().await;
    let other = one.beside().await;
    let coupon = one.create(Coupon { issue_limit: 50, ..fixed(1_000) }).await;
    let customers: Vec<_> = (0..200).map(|_| one.customer()).collect();
    let issues = customers.iter().enumerate().map(|(number, customer)| {
        let shop = if number % 2 == 0 { &one } else { &other };
        shop.issue(customer, &coupon.coupon_id)
    });
    let outcomes = join_all(issues).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 50);
    let refusals = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refusals.map(reason).all(|reason| reason == "COUPON_SOLD_OUT"));
    let request = GetCouponRequest { coupon_id: coupon.coupon_id.clone() };
    let after = other.admin().get_coupon(request).await.unwrap().into_inner().coupon.unwrap();
    assert_eq!(after.issued_count, 50);
    assert_eq!(one.told::<CouponIssued>().await.len(), 50);
}

/// X2 over two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_at_both_has_one_answer() {
    let one = Shop::open().await;
    let other = one.beside().await;
    let coupon = one.create(Coupon { issue_limit: 10, ..fixed(1_000) }).await;
    let customer = one.customer();
    let request = IssueCouponRequest { request_id: new_id(), coupon_id: coupon.coupon_id };
    let answers = join_all((0..64).map(|number| {
        let shop = if number % 2 == 0 { &one } else { &other };
        let (mut client, request) = (shop.calling_as(&customer), request.clone());
        async move { client.issue_coupon(request).await.unwrap().into_inner() }
    }))
    .await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(one.told::<CouponIssued>().await.len(), 1);
}

/// R5 over two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_one_coupon_raced_by_a_hundred_orders_has_one_winner() {
    let one = Shop::open().await;
    let other = one.beside().await;
    let customer = one.customer();
    let piece = one.piece(&customer, fixed(1_000)).await;
    let asks: Vec<_> = (0..100).map(|_| with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000)).collect();
    let races = asks.iter().enumerate().map(|(number, ask)| {
        let shop = if number % 2 == 0 { &one } else { &other };
        shop.reserve(ask.clone())
    });
    let outcomes = join_all(races).await;
    let winners: Vec<_> = asks.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).collect();
    assert_eq!(winners.len(), 1);
    let refusals = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refusals.map(reason).all(|reason| reason == "COUPON_USED"));
    let winner = winners[0].0.order_id.clone();
    assert_eq!(other.state_of_the_piece_of(&customer).await, ("RESERVED".into(), winner.clone()));
    assert_eq!(other.told::<CouponReserved>().await.len(), 1);

    // The end of its order is heard by both and given back once.
    one.fail(&winner).await;
    eventually("it is free", async || other.state_of_the_piece_of(&customer).await.0 == "AVAILABLE").await;
    assert_eq!(other.told::<CouponReleased>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_told_once_by_either() {
    let one = Shop::open().await;
    let other = one.beside().await;
    let coupon = one.create(Coupon { issued_valid_days: 1, ..fixed(1) }).await;
    let customers: Vec<_> = (0..40).map(|_| one.customer()).collect();
    for issued in join_all(customers.iter().map(|customer| one.issue(customer, &coupon.coupon_id))).await {
        issued.unwrap();
    }
    one.rig.clock.advance(Duration::from_secs(24 * 60 * 60));
    eventually("all are told", async || other.told::<CouponExpired>().await.len() >= 40).await;
    let mut told: Vec<_> = other.told::<CouponExpired>().await.into_iter().map(|told| told.issued_coupon_id).collect();
    told.sort();
    told.dedup();
    assert_eq!((told.len(), other.told::<CouponExpired>().await.len()), (40, 40));
}

/// A1 while connections to the database break.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_limit_get_one_while_connections_break() {
    let one = Shop::open().await;
    let other = one.beside().await;
    let coupon = one.create(Coupon { issue_limit: 30, ..fixed(1_000) }).await;
    let customers: Vec<_> = (0..90).map(|_| one.customer()).collect();
    let (one, other, coupon_id) = (&one, &other, &coupon.coupon_id);
    let issues = customers.iter().enumerate().map(async |(number, customer)| {
        let shop = if number % 2 == 0 { one } else { other };
        let request = IssueCouponRequest { request_id: new_id(), coupon_id: coupon_id.clone() };
        loop {
            match shop.calling_as(customer).issue_coupon(request.clone()).await {
                Ok(_) => return true,
                Err(refused) if reason(&refused) == "COUPON_SOLD_OUT" => return false,
                Err(status) => {
                    assert!(matches!(status.code(), Code::Unavailable | Code::Aborted), "{status:?}");
                }
            }
        }
    });
    let cuts = async {
        for _ in 0..6 {
            one.rig.cut_connections().await;
        }
    };
    let (served, ()) = tokio::join!(join_all(issues), cuts);
    for shop in [one, other] {
        shop.rig.until_stores_answer().await;
    }
    assert_eq!(served.iter().filter(|served| **served).count(), 30);
    assert_eq!(other.told::<CouponIssued>().await.len(), 30);
    for (customer, served) in customers.iter().zip(served) {
        assert_eq!(other.pieces_of(customer).await.len(), usize::from(served));
    }
}
