//! What becomes of coupons when their order is confirmed, fails or is cancelled.

use std::time::Duration;

use bojagi_api::coupon::{Coupon, CouponExpired, CouponReleased, CouponUsed, RedemptionState};
use bojagi_testkit::{eventually, reason};
use tonic::Code;

use crate::shop::{Shop, ask, fixed, new_id, with_piece, won};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn r6_a_confirmed_order_uses_its_coupons_and_cancelling_returns_the_use() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, fixed(1_000)).await;
    let ask = with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000);
    let reserved = shop.reserve(ask.clone()).await.unwrap();

    shop.confirm(&ask.order_id).await;
    eventually("the coupon is used", async || shop.state_of_the_piece_of(&customer).await.0 == "USED").await;
    assert!(shop.pieces_of(&customer).await[0].used_at.is_some());
    let used = shop.reserve(ask.clone()).await.unwrap();
    assert_eq!((used.state(), &used.lines), (RedemptionState::Used, &reserved.lines));
    let told = shop.told::<CouponUsed>().await;
    assert_eq!((told.len(), told[0].coupons[0].discount.clone()), (1, Some(won(1_000))));

    shop.cancel(&ask.order_id).await;
    eventually("the coupon is free", async || shop.state_of_the_piece_of(&customer).await.0 == "AVAILABLE").await;
    assert_eq!(shop.pieces_of(&customer).await[0].used_at, None);
    let told = shop.told::<CouponReleased>().await;
    assert_eq!((told.len(), told[0].returned.len(), told[0].expired.len()), (1, 1, 0));
    assert_eq!(told[0].customer_id, customer.account_id.to_string());
    let late = shop.reserve(ask).await.unwrap_err();
    assert_eq!((late.code(), reason(&late).as_str()), (Code::FailedPrecondition, "ORDER_ENDED"));
    // Another order takes it now.
    shop.reserve(with_piece(crate::shop::ask(&customer, &[10_000]), 0, &piece, 1_000)).await.unwrap();
}

#[tokio::test]
async fn a_coupon_whose_time_passed_meanwhile_comes_back_expired() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, Coupon { issued_valid_days: 1, ..fixed(1_000) }).await;
    let ask = with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000);
    shop.reserve(ask.clone()).await.unwrap();
    shop.rig.clock.advance(DAY);
    shop.fail(&ask.order_id).await;
    eventually("the coupon is expired", async || shop.state_of_the_piece_of(&customer).await.0 == "EXPIRED").await;
    let told = shop.told::<CouponReleased>().await;
    assert_eq!((told[0].returned.len(), told[0].expired.len()), (0, 1));
    let expired = shop.told::<CouponExpired>().await;
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].issued_coupon_id, piece.issued_coupon_id);
}

#[tokio::test]
async fn an_ask_after_the_end_of_its_order_is_refused() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, fixed(1_000)).await;
    for late in [ask(&customer, &[10_000]), with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000)] {
        let before = shop.told::<CouponReleased>().await.len();
        shop.fail(&late.order_id).await;
        eventually("the end is written", async || shop.told::<CouponReleased>().await.len() > before).await;
        let refusal = shop.reserve(late.clone()).await.unwrap_err();
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "ORDER_ENDED"));
    }
    assert_eq!(shop.state_of_the_piece_of(&customer).await.0, "AVAILABLE");
    for released in shop.told::<CouponReleased>().await {
        assert_eq!((released.customer_id.as_str(), released.returned.len(), released.expired.len()), ("", 0, 0));
    }
}

#[tokio::test]
async fn a_release_is_told_once_however_often_the_end_is_told() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let ask = ask(&customer, &[10_000]);
    shop.reserve(ask.clone()).await.unwrap();
    shop.fail(&ask.order_id).await;
    shop.cancel(&ask.order_id).await;
    let marker = new_id();
    shop.fail(&marker).await;
    let heard = async || shop.told::<CouponReleased>().await.iter().any(|told| told.order_id == marker);
    eventually("everything before the marker was heard", heard).await;
    let told = shop.told::<CouponReleased>().await;
    let orders: Vec<_> = told.iter().map(|told| &told.order_id).collect();
    assert_eq!(orders, [&ask.order_id, &marker]);
}

#[tokio::test]
async fn an_order_confirmed_without_an_ask_takes_no_later_one() {
    let shop = Shop::open().await;
    let ask = ask(&shop.customer(), &[10_000]);
    shop.confirm(&ask.order_id).await;
    let marker = new_id();
    shop.fail(&marker).await;
    eventually("the confirmation was heard", async || shop.told::<CouponReleased>().await.len() == 1).await;
    assert_eq!(reason(&shop.reserve(ask).await.unwrap_err()), "ORDER_ENDED");
    assert_eq!(shop.told::<CouponUsed>().await, []);
}

#[tokio::test]
async fn what_an_order_holds_survives_a_crash() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, fixed(1_000)).await;
    let ask = with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000);
    shop.reserve(ask.clone()).await.unwrap();
    let shop = shop.crash().await;
    assert_eq!(shop.state_of_the_piece_of(&customer).await, ("RESERVED".into(), ask.order_id.clone()));
    shop.confirm(&ask.order_id).await;
    eventually("the coupon is used", async || shop.state_of_the_piece_of(&customer).await.0 == "USED").await;
}
