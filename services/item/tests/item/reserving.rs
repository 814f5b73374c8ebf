//! Reserving: all or none, summed, at the price that was shown, and safe to repeat.

use bojagi_api::item as api;
use bojagi_testkit::reason;
use futures::future::join_all;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, kept, line, new_id, order, won};

fn metadata(status: &Status, key: &str) -> String {
    status.get_error_details().error_info().unwrap().metadata.get(key).cloned().unwrap_or_default()
}

#[tokio::test]
async fn what_is_held_is_answered_with_everything_the_order_keeps() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let asked = order(vec![line(&item.options[0], 3)]);
    let answer = shop.reservations().reserve_stock(asked.clone()).await.unwrap().into_inner();

    assert_eq!(answer.state(), api::HoldState::Reserved);
    let held = &answer.lines[0];
    assert_eq!(held.order_line_id, asked.lines[0].order_line_id);
    assert_eq!((held.item_name.as_str(), held.option_name.as_str()), ("Mug", "red"));
    assert_eq!((held.store_id.clone(), held.store_name.as_str()), (shop.store_id.clone(), "The kiln"));
    assert_eq!(held.seller_id, shop.seller.account_id.to_string());
    assert_eq!((held.unit_price.clone(), held.quantity), (Some(won(5_000)), 3));
    assert_eq!(shop.counts(&held.option_id).await, (7, 3, 0, 10));

    let told = shop.told::<api::StockReserved>(&asked.order_id).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].movements[0].quantity, told[0].movements[0].available), (3, 7));
}

/// R2: two lines of one order with the same option are summed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_lines_of_one_option_are_summed() {
    let shop = Shop::open().await;
    let option = shop.new_option(100).await;
    let asks = (0..64).map(|_| {
        let (mut stock, asked) = (shop.reservations(), order(vec![line(&option, 2), line(&option, 1)]));
        tokio::spawn(async move { stock.reserve_stock(asked).await })
    });
    let answers: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
    let (held, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(held.len(), 33);
    assert!(refused.iter().all(|answer| reason(answer.as_ref().unwrap_err()) == "OUT_OF_STOCK"));
    assert_eq!(shop.counts(&option.option_id).await, (1, 99, 0, 100));
}

#[tokio::test]
async fn one_line_that_cannot_be_held_holds_none() {
    let shop = Shop::open().await;
    let (plenty, scarce) = (shop.new_option(10).await, shop.new_option(1).await);
    let asked = order(vec![line(&plenty, 1), line(&scarce, 2)]);
    let refused = shop.reservations().reserve_stock(asked.clone()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "OUT_OF_STOCK"));
    assert_eq!(metadata(&refused, "option_id"), scarce.option_id);
    assert_eq!(metadata(&refused, "available"), "1");
    assert_eq!(shop.counts(&plenty.option_id).await, (10, 0, 0, 10));
    assert!(shop.told::<api::StockReserved>(&asked.order_id).await.is_empty());

    // A refusal leaves no trace: the same order can ask again.
    let fewer = api::ReserveStockRequest { lines: vec![line(&plenty, 1), line(&scarce, 1)], ..asked };
    assert!(shop.reservations().reserve_stock(fewer).await.is_ok());
}

#[tokio::test]
async fn another_price_than_the_one_shown_is_refused_with_the_price_now() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let shown = item.options[0].clone();
    let dearer = api::OptionDraft { price: Some(won(6_000)), ..kept(&shown) };
    shop.update_options(&item, vec![dearer]).await;

    let refused = shop.reservations().reserve_stock(order(vec![line(&shown, 1)])).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PRICE_CHANGED"));
    assert_eq!(metadata(&refused, "minor_units"), "6000");
    assert_eq!(metadata(&refused, "currency_code"), "KRW");
}

#[tokio::test]
async fn what_is_not_on_offer_is_not_found() {
    let shop = Shop::open().await;
    let unknown = api::Option { option_id: new_id(), price: Some(won(1)), ..Default::default() };
    let refused = shop.reservations().reserve_stock(order(vec![line(&unknown, 1)])).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "ITEM_NOT_FOUND"));
    assert_eq!(metadata(&refused, "option_id"), unknown.option_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_ask_many_times_at_once_has_one_effect_and_one_answer() {
    let shop = Shop::open().await;
    let option = shop.new_option(100).await;
    let asked = order(vec![line(&option, 1), line(&option, 2)]);
    let asks = (0..64).map(|_| {
        let (mut stock, asked) = (shop.reservations(), asked.clone());
        tokio::spawn(async move { stock.reserve_stock(asked).await.unwrap().into_inner() })
    });
    let answers: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(shop.counts(&option.option_id).await, (97, 3, 0, 100));
    assert_eq!(shop.told::<api::StockReserved>(&asked.order_id).await.len(), 1);
}

#[tokio::test]
async fn the_same_lines_in_another_order_are_the_same_ask() {
    let shop = Shop::open().await;
    let option = shop.new_option(100).await;
    let asked = order(vec![line(&option, 1), line(&option, 2)]);
    let first = shop.reservations().reserve_stock(asked.clone()).await.unwrap().into_inner();
    let turned = api::ReserveStockRequest { lines: asked.lines.iter().rev().cloned().collect(), ..asked };
    let second = shop.reservations().reserve_stock(turned).await.unwrap().into_inner();
    assert_eq!(first.lines.into_iter().rev().collect::<Vec<_>>(), second.lines);
}

#[tokio::test]
async fn other_content_under_the_same_order_is_refused() {
    let shop = Shop::open().await;
    let option = shop.new_option(100).await;
    let asked = order(vec![line(&option, 1)]);
    shop.reservations().reserve_stock(asked.clone()).await.unwrap();

    let mut more = asked.clone();
    more.lines[0].quantity = 2;
    let mut longer = asked.clone();
    longer.lines.push(line(&option, 1));
    let other_customer = api::ReserveStockRequest { customer_id: new_id(), ..asked.clone() };
    for other in [more, longer, other_customer] {
        let refused = shop.reservations().reserve_stock(other).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED"));
    }
    assert_eq!(shop.counts(&option.option_id).await, (99, 1, 0, 100));
}

#[tokio::test]
async fn an_answer_keeps_the_names_of_the_moment_of_reserving() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let asked = order(vec![line(&item.options[0], 1)]);
    let first = shop.reservations().reserve_stock(asked.clone()).await.unwrap().into_inner();
    let renamed = api::OptionDraft { name: "crimson".into(), price: Some(won(9_000)), ..kept(&item.options[0]) };
    shop.update_options(&item, vec![renamed]).await;
    assert_eq!(shop.reservations().reserve_stock(asked).await.unwrap().into_inner(), first);
}
