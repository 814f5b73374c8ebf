//! The end of a hold: sold, or given back, exactly once each.

use std::time::Duration;

use bojagi_api::item as api;
use bojagi_item::Config;
use bojagi_testkit::{Rig, eventually, reason};

use crate::shop::{Shop, line, order};

/// R19: the confirmation moves the stock once, however often it is heard.
#[tokio::test]
async fn r19_a_confirmation_heard_twice_moves_stock_once() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = order(vec![line(&option, 2), line(&option, 1)]);
    shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    shop.confirm(&asked).await;
    shop.confirm(&asked).await;
    let sold = shop.sold(&asked).await;
    assert_eq!((sold.movements.len(), sold.movements[0].quantity), (1, 3));

    // The cancellation is heard after both confirmations.
    shop.cancel(&asked).await;
    let released = shop.released(&asked).await;
    assert_eq!(released.released_from(), api::HoldState::Sold);
    assert_eq!(shop.told::<api::StockSold>(&asked.order_id).await.len(), 1);
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));
}

#[tokio::test]
async fn a_sale_is_shown_to_an_order_that_asks_again() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = order(vec![line(&option, 3)]);
    let reserved = shop.reservations().reserve_stock(asked.clone()).await.unwrap().into_inner();
    shop.confirm(&asked).await;
    shop.sold(&asked).await;
    assert_eq!(shop.counts(&option.option_id).await, (7, 0, 3, 10));
    let again = shop.reservations().reserve_stock(asked).await.unwrap().into_inner();
    assert_eq!(again.state(), api::HoldState::Sold);
    assert_eq!(again.lines, reserved.lines);
}

#[tokio::test]
async fn an_ask_after_the_end_is_refused() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = order(vec![line(&option, 3)]);
    shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    shop.fail(&asked).await;
    let released = shop.released(&asked).await;
    assert_eq!((released.movements[0].quantity, released.movements[0].available), (3, 10));
    let refused = shop.reservations().reserve_stock(asked).await.unwrap_err();
    assert_eq!(reason(&refused), "ORDER_ENDED");
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));
}

#[tokio::test]
async fn an_order_that_ends_before_it_asks_is_kept_out() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = order(vec![line(&option, 3)]);
    shop.fail(&asked).await;
    let released = shop.released(&asked).await;
    assert!(released.movements.is_empty());
    assert_eq!(released.released_from(), api::HoldState::Unspecified);
    let refused = shop.reservations().reserve_stock(asked).await.unwrap_err();
    assert_eq!(reason(&refused), "ORDER_ENDED");
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));
}

#[tokio::test]
async fn an_end_heard_twice_gives_back_once() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let (twice, after) = (order(vec![line(&option, 4)]), order(vec![line(&option, 1)]));
    for asked in [&twice, &after] {
        shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    }
    shop.fail(&twice).await;
    shop.cancel(&twice).await;
    shop.fail(&after).await;
    shop.released(&after).await;
    assert_eq!(shop.told::<api::StockReleased>(&twice.order_id).await.len(), 1);
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));
}

#[tokio::test]
async fn holds_and_their_ends_survive_a_crash() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let (confirmed, failed) = (order(vec![line(&option, 1)]), order(vec![line(&option, 2)]));
    for asked in [&confirmed, &failed] {
        shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    }
    let shop = shop.crash().await;
    assert_eq!(shop.counts(&option.option_id).await, (7, 3, 0, 10));
    shop.confirm(&confirmed).await;
    shop.fail(&failed).await;
    shop.sold(&confirmed).await;
    shop.released(&failed).await;
    assert_eq!(shop.counts(&option.option_id).await, (9, 0, 1, 10));
}

#[tokio::test]
async fn a_hold_older_than_a_day_is_told_once_and_kept() {
    let config = Config { overdue_check_seconds: 1, ..Config::default() };
    let shop = Shop::on(Rig::new(), config).await;
    let option = shop.new_option(10).await;
    let (open, ended) = (order(vec![line(&option, 3)]), order(vec![line(&option, 1)]));
    for asked in [&open, &ended] {
        shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    }
    shop.confirm(&ended).await;
    shop.sold(&ended).await;

    shop.rig.clock.advance(Duration::from_secs(24 * 3600 + 1));
    eventually("it is told", async || !shop.told::<api::HoldOverdue>(&open.order_id).await.is_empty()).await;
    let later = order(vec![line(&option, 1)]);
    shop.reservations().reserve_stock(later.clone()).await.unwrap();
    shop.rig.clock.advance(Duration::from_secs(24 * 3600 + 1));
    eventually("the next is told", async || !shop.told::<api::HoldOverdue>(&later.order_id).await.is_empty()).await;

    let told = shop.told::<api::HoldOverdue>(&open.order_id).await;
    assert_eq!((told.len(), told[0].movements[0].quantity), (1, 3));
    assert!(shop.told::<api::HoldOverdue>(&ended.order_id).await.is_empty());
    assert_eq!(shop.counts(&option.option_id).await, (5, 4, 1, 10));
}
