//! What fails is given back; what is cancelled is given back once.

use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope, IssuedCouponState, PercentBenefit};
use bojagi_api::order::{MoneyState, OrderState};
use bojagi_api::policy::Role;
use bojagi_e2e::{Line, Shop, Wish, won};
use bojagi_testkit::reason;
use futures::future::join_all;
use tonic::Code;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn r4_stock_refused_beside_an_authorised_payment() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 1).await;
    let buyer = shop.buyer(100_000).await;
    let order = buyer.place(&Wish { points: 20_000, ..Wish::of(&offer, 2, "") }).await.unwrap();
    assert_eq!(order.failure.as_ref().map(|failure| failure.reason.as_str()), Some("OUT_OF_STOCK"));
    let order = buyer.wait_for(&order.id, OrderState::Cancelled).await;
    assert_eq!(order.money_state(), MoneyState::Unpaid);
    assert_eq!(buyer.points().await, (100_000, 0));
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_zero_discount_consumes_nothing_and_a_cancellation_returns_the_use() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 100).await;
    let (_, cheap) = shop.offer(1, 100).await;
    let buyer = shop.buyer(100_000).await;
    let percent = shop
        .coupon(Coupon {
            name: "Ten percent".into(),
            benefit: Some(Benefit::Percent(PercentBenefit { rate_bps: 1_000, cap: None })),
            scope: CouponScope::Item.into(),
            ..Coupon::default()
        })
        .await;
    let issued = buyer.take_coupon(&percent).await.unwrap();

    // Ten percent of one won is nothing.
    let nothing = Wish {
        lines: vec![Line { offer: cheap, quantity: 1, coupons: vec![issued.clone()] }],
        points: 1,
        ..Wish::default()
    };
    let order = buyer.place(&nothing).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");
    assert_eq!(buyer.coupon_state(&issued).await, IssuedCouponState::Available);

    let used = Wish {
        lines: vec![Line { offer, quantity: 1, coupons: vec![issued.clone()] }],
        points: 9_000,
        discount: 1_000,
        ..Wish::default()
    };
    let order = buyer.place(&used).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");
    shop.verify().await;
    assert_eq!(buyer.coupon_state(&issued).await, IssuedCouponState::Used);
    buyer.cancel(&order.id).await.unwrap();
    buyer.wait_for(&order.id, OrderState::Cancelled).await;
    assert_eq!(buyer.coupon_state(&issued).await, IssuedCouponState::Available);
    assert_eq!(buyer.points().await, (99_999, 0));
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_the_retry_of_a_failed_order_is_not_a_success() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 10).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_decline_insufficient_funds").await;
    let wish = Wish { request_id: Uuid::now_v7().to_string(), ..Wish::of(&offer, 1, &card) };
    let first = buyer.place(&wish).await.unwrap();
    let again = buyer.place(&wish).await.unwrap();
    assert_eq!(first.id, again.id);
    for order in [first, again] {
        assert!(matches!(order.state(), OrderState::Failed | OrderState::Cancelled), "{order:?}");
        assert!(order.failure.is_some_and(|failure| !failure.reason.is_empty()));
    }
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_cancellation_races_the_confirmation() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(1_000, 1_000).await;
    let buyer = shop.buyer(1_000_000).await;
    let wishes: Vec<_> = (0..64).map(|_| Wish { points: 1_000, at_once: true, ..Wish::of(&offer, 1, "") }).collect();
    let cancelled = join_all(wishes.iter().map(async |wish| {
        let order = buyer.place(wish).await.unwrap();
        buyer.cancel(&order.id).await.unwrap();
        order.id
    }))
    .await;
    for id in &cancelled {
        let order = buyer.wait_for(id, OrderState::Cancelled).await;
        assert!(matches!(order.money_state(), MoneyState::Unpaid | MoneyState::Refunded), "{order:?}");
        let again = buyer.cancel(id).await.unwrap_err();
        assert_eq!((again.code(), reason(&again).as_str()), (Code::FailedPrecondition, "ALREADY_CANCELLED"));
    }
    assert_eq!(buyer.points().await, (1_000_000, 0));
    shop.verify().await;
    assert_eq!(shop.stock(&offer).await.available, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn r18_what_an_earlier_step_took_is_given_back() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 10).await;
    let buyer = shop.person(&[Role::Customer]);
    let good = buyer.card("tok_approve").await;
    buyer.charge(5_000, &good).await;
    let lost = buyer.card("tok_decline_lost_card").await;
    let coupon_id = shop
        .coupon(Coupon {
            name: "Order coupon".into(),
            benefit: Some(Benefit::FixedAmount(won(1_000))),
            scope: CouponScope::Order.into(),
            ..Coupon::default()
        })
        .await;
    let issued = buyer.take_coupon(&coupon_id).await.unwrap();
    let wish = Wish { points: 4_000, coupon: issued.clone(), discount: 1_000, ..Wish::of(&offer, 2, &lost) };
    let order = buyer.place(&wish).await.unwrap();
    assert!(order.failure.is_some(), "{order:?}");
    buyer.wait_for(&order.id, OrderState::Cancelled).await;
    assert_eq!(buyer.coupon_state(&issued).await, IssuedCouponState::Available);
    assert_eq!(buyer.points().await, (5_000, 0));
    assert_eq!(shop.stock(&offer).await.available, 10);
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_has_begun_stands_against_a_cancellation() {
    use bojagi_api::order::{BeginDeliveryRequest, CompleteDeliveryRequest};
    let shop = Shop::open().await;
    let (seller, offer) = shop.offer(10_000, 10).await;
    let buyer = shop.buyer(100_000).await;
    let order = buyer.place(&Wish { points: 10_000, ..Wish::of(&offer, 1, "") }).await.unwrap();
    let delivery_id = order.deliveries[0].delivery_id.clone();
    let begin = BeginDeliveryRequest { request_id: Uuid::now_v7().to_string(), delivery_id: delivery_id.clone() };
    let stranger = shop.person(&[Role::Seller]);
    let refused = stranger.deliveries().begin_delivery(begin.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "somebody else's delivery does not exist");
    seller.deliveries().begin_delivery(begin).await.unwrap();
    let refused = buyer.cancel(&order.id).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let complete = CompleteDeliveryRequest { request_id: Uuid::now_v7().to_string(), delivery_id };
    seller.deliveries().complete_delivery(complete).await.unwrap();
    buyer.wait_for(&order.id, OrderState::Completed).await;
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_closed_and_opened_again_knows_everything() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 10).await;
    let buyer = shop.buyer(100_000).await;
    let order = buyer.place(&Wish { points: 10_000, ..Wish::of(&offer, 1, "") }).await.unwrap();
    let folder = shop.close().await;
    let shop = Shop::open_in(folder).await;
    assert_eq!(shop.stock(&offer).await.available, 9);
    shop.verify().await;
    assert_eq!(order.state(), OrderState::Confirmed);
}
