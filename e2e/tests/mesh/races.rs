//! Many at once: exactly as many succeed as can, and nobody else pays.

use std::collections::HashSet;

use bojagi_api::common::Money;
use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope};
use bojagi_api::order::{Order, OrderState};
use bojagi_api::policy::Role;
use bojagi_e2e::{Person, Shop, Wish, won};
use bojagi_testkit::reason;
use futures::StreamExt;
use futures::future::join_all;
use tonic::{Code, Status};
use uuid::Uuid;

async fn all_at_once(calls: impl IntoIterator<Item = impl Future<Output = Result<Order, Status>>>) -> Vec<Order> {
    join_all(calls).await.into_iter().map(Result::unwrap).collect()
}

fn in_state(orders: &[Order], state: OrderState) -> usize {
    orders.iter().filter(|order| order.state() == state).count()
}

/// An order that failed for a reason, whether or not what it held was given back by now.
fn failed_for(order: &Order, reason: &str) -> bool {
    matches!(order.state(), OrderState::Failed | OrderState::Cancelled)
        && order.failure.as_ref().is_some_and(|failure| failure.reason == reason)
}

async fn buyers(shop: &Shop, count: usize, token: &str) -> Vec<(Person, String)> {
    let people = (0..count).map(|_| shop.person(&[Role::Customer]));
    futures::stream::iter(people)
        .map(|person| async move {
            let card = person.card(token).await;
            (person, card)
        })
        .buffered(32)
        .collect()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_more_buyers_than_pieces() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 25).await;
    let buyers = buyers(&shop, 80, "tok_approve").await;
    let wishes: Vec<_> = buyers.iter().map(|(_, card)| Wish::of(&offer, 1, card)).collect();
    let orders = all_at_once(buyers.iter().zip(&wishes).map(|((buyer, _), wish)| buyer.place(wish))).await;

    assert_eq!(in_state(&orders, OrderState::Confirmed), 25);
    assert_eq!(orders.iter().filter(|order| failed_for(order, "OUT_OF_STOCK")).count(), 55);
    shop.verify().await;
    let stock = shop.stock(&offer).await;
    assert_eq!((stock.available, stock.reserved, stock.sold), (0, 0, 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_two_lines_of_one_option_are_summed() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 5).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    let order = buyer.place(&Wish::of(&offer, 3, &card).and(&offer, 3)).await.unwrap();
    assert!(failed_for(&order, "OUT_OF_STOCK"), "{order:?}");
    let order = buyer.place(&Wish::of(&offer, 3, &card).and(&offer, 2)).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_the_counter_is_the_sum_of_the_reservations() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(1_000, 1_000).await;
    let paying = buyers(&shop, 20, "tok_approve").await;
    let declined = buyers(&shop, 20, "tok_decline_insufficient_funds").await;
    let wishes: Vec<_> =
        paying.iter().chain(&declined).map(|(buyer, card)| (buyer, Wish::of(&offer, 3, card))).collect();
    let orders = all_at_once(wishes.iter().map(|(buyer, wish)| buyer.place(wish))).await;
    assert_eq!(in_state(&orders, OrderState::Confirmed), 20);
    shop.verify().await;
    let stock = shop.stock(&offer).await;
    assert_eq!((stock.available, stock.reserved, stock.sold), (940, 0, 60));
}

async fn one_coupon(shop: &Shop, buyer: &Person, amount: i64) -> String {
    let coupon_id = shop
        .coupon(Coupon {
            name: format!("Once {}", Uuid::now_v7()),
            benefit: Some(Benefit::FixedAmount(won(amount))),
            scope: CouponScope::Order.into(),
            issue_limit: 1,
            ..Coupon::default()
        })
        .await;
    buyer.take_coupon(&coupon_id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r5_one_coupon_and_a_hundred_orders() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 1_000).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    buyer.charge(1_000_000, &card).await;
    let coupon = one_coupon(&shop, &buyer, 1_000).await;
    let wish = || Wish {
        points: 9_000,
        card: String::new(),
        coupon: coupon.clone(),
        discount: 1_000,
        ..Wish::of(&offer, 1, "")
    };
    let wishes: Vec<_> = (0..100).map(|_| wish()).collect();
    let orders = all_at_once(wishes.iter().map(|wish| buyer.place(wish))).await;

    assert_eq!(in_state(&orders, OrderState::Confirmed), 1);
    assert_eq!(orders.iter().filter(|order| failed_for(order, "COUPON_USED")).count(), 99);
    shop.verify().await;
    let balance = buyer.balance().await.unwrap();
    assert_eq!(balance.available.unwrap().minor_units, 1_000_000 - 9_000, "the losers are not charged");
    assert_eq!(balance.held.unwrap_or_default().minor_units, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_come_coupon_goes_out_exactly_as_often_as_its_limit() {
    let shop = Shop::open().await;
    let coupon_id = shop
        .coupon(Coupon {
            name: "First come".into(),
            benefit: Some(Benefit::FixedAmount(Money { currency_code: "KRW".into(), minor_units: 500 })),
            scope: CouponScope::Order.into(),
            issue_limit: 30,
            ..Coupon::default()
        })
        .await;
    let people: Vec<_> = (0..200).map(|_| shop.person(&[Role::Customer])).collect();
    let answers = join_all(people.iter().map(|person| person.take_coupon(&coupon_id))).await;
    let issued: HashSet<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(issued.len(), 30);
    assert!(
        answers.iter().filter_map(|answer| answer.as_ref().err()).all(|status| reason(status) == "COUPON_SOLD_OUT")
    );
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x2_one_request_sixty_four_times() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 1_000).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    let wish = Wish { request_id: Uuid::now_v7().to_string(), ..Wish::of(&offer, 1, &card) };
    let orders = all_at_once((0..64).map(|_| buyer.place(&wish))).await;
    let ids: HashSet<_> = orders.iter().map(|order| order.id.as_str()).collect();
    assert_eq!((ids.len(), in_state(&orders, OrderState::Confirmed)), (1, 64));

    let other = Wish { request_id: wish.request_id.clone(), ..Wish::of(&offer, 2, &card) };
    let refused = buyer.place(&other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED"));
    shop.verify().await;
    assert_eq!(shop.stock(&offer).await.sold, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_at_once_spend_exactly_the_points_that_are_there() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(1_000, 1_000).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    buyer.charge(10_000, &card).await;
    let wishes: Vec<_> = (0..40).map(|_| Wish { points: 1_000, ..Wish::of(&offer, 1, "") }).collect();
    let orders = all_at_once(wishes.iter().map(|wish| buyer.place(wish))).await;
    assert_eq!(in_state(&orders, OrderState::Confirmed), 10);
    assert_eq!(orders.iter().filter(|order| failed_for(order, "POINTS_NOT_ENOUGH")).count(), 30);
    shop.verify().await;
    assert_eq!(buyer.balance().await.unwrap().available.unwrap_or_default().minor_units, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rush_gives_pieces_of_failed_payments_to_the_next() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(5_000, 40).await;
    let declined = buyers(&shop, 40, "tok_decline_insufficient_funds").await;
    let paying = buyers(&shop, 60, "tok_approve").await;
    let wishes: Vec<_> =
        declined.iter().chain(&paying).map(|(buyer, card)| (buyer, Wish::of(&offer, 1, card))).collect();
    let orders = all_at_once(wishes.iter().map(|(buyer, wish)| buyer.place(wish))).await;
    let bought = in_state(&orders, OrderState::Confirmed);
    shop.verify().await;
    // What was given back can be bought: nothing is lost, nothing is sold twice.
    let left = usize::try_from(shop.stock(&offer).await.available).unwrap();
    assert_eq!(bought + left, 40);
    let (buyer, card) = &paying[0];
    for _ in 0..left {
        let order = buyer.place(&Wish::of(&offer, 1, card)).await.unwrap();
        assert_eq!(order.state(), OrderState::Confirmed);
    }
    shop.verify().await;
}
