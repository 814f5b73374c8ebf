//! How many pieces one customer may have.

use bojagi_api::item as api;
use bojagi_testkit::reason;
use futures::future::join_all;
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, kept, line, new_id, order};

async fn limited(shop: &Shop, limit: i64) -> api::Item {
    let option = api::OptionDraft { per_customer_limit: limit, ..draft("only", 5_000, 1_000) };
    shop.new_item("Rare mug", vec![option]).await
}

fn order_of(customer_id: &str, lines: Vec<api::ReserveStockLine>) -> api::ReserveStockRequest {
    api::ReserveStockRequest { customer_id: customer_id.into(), ..order(lines) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_customer_never_gets_more_however_many_orders_race() {
    let shop = Shop::open().await;
    let option = limited(&shop, 5).await.options.remove(0);
    let customer_id = new_id();
    let asks = (0..64).map(|_| {
        let (mut stock, asked) = (shop.reservations(), order_of(&customer_id, vec![line(&option, 1)]));
        tokio::spawn(async move { stock.reserve_stock(asked).await })
    });
    let answers: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    let refused = answers.into_iter().find_map(Result::err).unwrap();
    assert_eq!(reason(&refused), "PURCHASE_LIMIT");
    let metadata = refused.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!((metadata["limit"].as_str(), metadata["already"].as_str()), ("5", "5"));
    // Another customer is not concerned.
    assert!(shop.reservations().reserve_stock(order(vec![line(&option, 5)])).await.is_ok());
}

#[tokio::test]
async fn what_goes_back_counts_no_more_and_what_is_sold_counts_on() {
    let shop = Shop::open().await;
    let option = limited(&shop, 3).await.options.remove(0);
    let customer_id = new_id();
    let (bought, failed) = (
        order_of(&customer_id, vec![line(&option, 1)]),
        order_of(&customer_id, vec![line(&option, 1), line(&option, 1)]),
    );
    for asked in [&bought, &failed] {
        shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    }
    shop.confirm(&bought).await;
    shop.sold(&bought).await;
    let full = shop.reservations().reserve_stock(order_of(&customer_id, vec![line(&option, 1)])).await.unwrap_err();
    assert_eq!(reason(&full), "PURCHASE_LIMIT");

    shop.fail(&failed).await;
    shop.released(&failed).await;
    let three = shop.reservations().reserve_stock(order_of(&customer_id, vec![line(&option, 3)])).await.unwrap_err();
    assert_eq!(reason(&three), "PURCHASE_LIMIT");
    assert!(shop.reservations().reserve_stock(order_of(&customer_id, vec![line(&option, 2)])).await.is_ok());
}

#[tokio::test]
async fn a_limit_that_is_set_later_counts_what_was_bought_before() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("only", 5_000, 100)]).await;
    let option = &item.options[0];
    let customer_id = new_id();
    let (open, failed) =
        (order_of(&customer_id, vec![line(option, 4)]), order_of(&customer_id, vec![line(option, 50)]));
    for asked in [&open, &failed] {
        shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    }
    shop.fail(&failed).await;
    shop.released(&failed).await;

    let limit = |limit| api::OptionDraft { per_customer_limit: limit, ..kept(option) };
    shop.update_options(&item, vec![limit(5)]).await;
    let over = shop.reservations().reserve_stock(order_of(&customer_id, vec![line(option, 2)])).await.unwrap_err();
    assert_eq!(reason(&over), "PURCHASE_LIMIT");

    // Without a limit nothing is counted; what was taken meanwhile counts when there is one again.
    shop.update_options(&item, vec![limit(0)]).await;
    shop.reservations().reserve_stock(order_of(&customer_id, vec![line(option, 2)])).await.unwrap();
    shop.update_options(&item, vec![limit(7)]).await;
    shop.cancel(&open).await;
    shop.released(&open).await;
    let over = shop.reservations().reserve_stock(order_of(&customer_id, vec![line(option, 6)])).await.unwrap_err();
    let metadata = over.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!(metadata["already"], "2");
    assert!(shop.reservations().reserve_stock(order_of(&customer_id, vec![line(option, 5)])).await.is_ok());
}
