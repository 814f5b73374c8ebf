//! Pieces whose time passes.

use std::time::Duration;

use bojagi_api::coupon::{Coupon, CouponExpired, CouponReleased};
use bojagi_api::user;
use bojagi_testkit::{eventually, reason};

use crate::shop::{Shop, ask, fixed, with_piece};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn every_piece_whose_time_has_passed_is_told_once() {
    let shop = Shop::open().await;
    let coupon = shop.create(Coupon { issued_valid_days: 1, ..fixed(1) }).await;
    let lasting = shop.create(fixed(1)).await;
    // More than the shop writes down in one batch.
    for _ in 0..20 {
        shop.issue(&shop.customer(), &coupon.coupon_id).await.unwrap();
    }
    shop.issue(&shop.customer(), &lasting.coupon_id).await.unwrap();
    shop.rig.clock.advance(DAY);
    eventually("all are told", async || shop.told::<CouponExpired>().await.len() >= 20).await;
    let mut told: Vec<_> = shop.told::<CouponExpired>().await.into_iter().map(|told| told.issued_coupon_id).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 20);
}

#[tokio::test]
async fn an_expired_piece_cannot_be_used() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, Coupon { issued_valid_days: 1, ..fixed(1_000) }).await;
    shop.rig.clock.advance(DAY - Duration::from_micros(1));
    assert_eq!(shop.state_of_the_piece_of(&customer).await.0, "AVAILABLE");
    shop.rig.clock.advance(Duration::from_micros(1));
    let refusal = shop.reserve(with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000)).await.unwrap_err();
    assert_eq!(reason(&refusal), "COUPON_EXPIRED");
}

#[tokio::test]
async fn a_closed_account_has_no_coupons_left() {
    let shop = Shop::open().await;
    let (customer, other) = (shop.customer(), shop.customer());
    let free = shop.piece(&customer, fixed(1_000)).await;
    let held = shop.piece(&customer, fixed(1_000)).await;
    shop.piece(&other, fixed(1_000)).await;
    let ask = with_piece(ask(&customer, &[10_000]), 0, &held, 1_000);
    shop.reserve(ask.clone()).await.unwrap();

    let closed = user::AccountClosed { account_id: customer.account_id.to_string(), ..Default::default() };
    shop.users.tell(customer.account_id.into(), &closed).await;
    eventually("the free piece is ended", async || shop.told::<CouponExpired>().await.len() == 1).await;
    assert_eq!(shop.told::<CouponExpired>().await[0].issued_coupon_id, free.issued_coupon_id);

    // What its order holds stays with the order; when it comes back it is worth nothing.
    shop.fail(&ask.order_id).await;
    eventually("the held piece is ended", async || shop.told::<CouponReleased>().await.len() == 1).await;
    assert_eq!(shop.told::<CouponReleased>().await[0].expired[0].issued_coupon_id, held.issued_coupon_id);
    assert_eq!(shop.told::<CouponExpired>().await.len(), 2);
    assert_eq!(shop.state_of_the_piece_of(&other).await.0, "AVAILABLE");
}
