//! Finding items, page by page, while the catalogue changes.

use std::collections::BTreeSet;
use std::time::Duration;

use bojagi_api::item as api;
use bojagi_testkit::reason;

use crate::shop::{Shop, draft, kept, line, new_id, order, won};

async fn page(shop: &Shop, search: &api::SearchItemsRequest) -> api::SearchItemsResponse {
    shop.public_catalog().search_items(search.clone()).await.unwrap().into_inner()
}

/// The names of all pages.
async fn found(shop: &Shop, search: api::SearchItemsRequest) -> Vec<String> {
    let mut search = api::SearchItemsRequest { page_size: 2, ..search };
    let mut names = Vec::new();
    loop {
        let page = page(shop, &search).await;
        assert!(page.items.len() <= 2);
        names.extend(page.items.into_iter().map(|item| item.name));
        if page.next_page_token.is_empty() {
            return names;
        }
        search.page_token = page.next_page_token;
    }
}

async fn three_cups(shop: &Shop) -> Vec<api::Item> {
    let mut items = Vec::new();
    for (name, price) in [("Tea cup", 3_000), ("Coffee CUP", 1_000), ("Bowl 50%", 2_000)] {
        items.push(shop.new_item(name, vec![draft("dear", price + 500, 1), draft("cheap", price, 1)]).await);
        shop.rig.clock.advance(Duration::from_secs(1));
    }
    items
}

#[tokio::test]
async fn items_are_listed_in_the_order_that_is_asked_for() {
    let shop = Shop::open().await;
    three_cups(&shop).await;
    let by = |order: api::ItemOrder| api::SearchItemsRequest { order: order.into(), ..Default::default() };
    let latest = ["Bowl 50%", "Coffee CUP", "Tea cup"];
    assert_eq!(found(&shop, by(api::ItemOrder::Unspecified)).await, latest);
    assert_eq!(found(&shop, by(api::ItemOrder::Latest)).await, latest);
    assert_eq!(found(&shop, by(api::ItemOrder::PriceAsc)).await, ["Coffee CUP", "Bowl 50%", "Tea cup"]);
    assert_eq!(found(&shop, by(api::ItemOrder::PriceDesc)).await, ["Tea cup", "Bowl 50%", "Coffee CUP"]);
}

#[tokio::test]
async fn all_conditions_must_hold() {
    let shop = Shop::open().await;
    let items = three_cups(&shop).await;
    let glass = shop.new_category("Glass").await;
    let other_store = shop.new_store("Glaze").await;
    let elsewhere = api::CreateItemRequest {
        store_id: other_store.store_id.clone(),
        category_id: glass.category_id.clone(),
        ..shop.item_request("Glass cup", vec![draft("only", 1_500, 1)])
    };
    shop.catalog(&shop.seller).create_item(elsewhere).await.unwrap();
    for option in &items[0].options {
        shop.reservations().reserve_stock(order(vec![line(option, 1)])).await.unwrap();
    }
    // One of two options sold out leaves the item in stock.
    shop.reservations().reserve_stock(order(vec![line(&items[1].options[0], 1)])).await.unwrap();

    let any = api::SearchItemsRequest { order: api::ItemOrder::PriceAsc.into(), ..Default::default() };
    let keyword = |keyword: &str| api::SearchItemsRequest { keyword: keyword.into(), ..any.clone() };
    let table = [
        (keyword("cup"), vec!["Coffee CUP", "Glass cup", "Tea cup"]),
        (keyword(" CuP "), vec!["Coffee CUP", "Glass cup", "Tea cup"]),
        (keyword("BY HAND"), vec!["Coffee CUP", "Glass cup", "Bowl 50%", "Tea cup"]),
        (keyword("50%"), vec!["Bowl 50%"]),
        (keyword("c%p"), vec![]),
        (keyword("c_p"), vec![]),
        (api::SearchItemsRequest { category_id: glass.category_id, ..any.clone() }, vec!["Glass cup"]),
        (api::SearchItemsRequest { store_id: shop.store_id.clone(), ..keyword("cup") }, vec!["Coffee CUP", "Tea cup"]),
        (
            api::SearchItemsRequest { min_price: Some(won(1_500)), max_price: Some(won(2_000)), ..any.clone() },
            vec!["Glass cup", "Bowl 50%"],
        ),
        (api::SearchItemsRequest { in_stock: true, ..any.clone() }, vec!["Coffee CUP", "Glass cup", "Bowl 50%"]),
        (api::SearchItemsRequest { store_id: new_id(), ..any.clone() }, vec![]),
    ];
    for (search, expected) in table {
        assert_eq!(found(&shop, search.clone()).await, expected, "{search:?}");
    }
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_what_stays_while_other_things_change() {
    let shop = Shop::open().await;
    let mut items = Vec::new();
    for number in 0..12 {
        items.push(shop.new_item(&format!("Mug {number:02}"), vec![draft("only", 1_000 + number % 3, 5)]).await);
    }
    let orders = [
        api::ItemOrder::Latest,
        api::ItemOrder::PriceAsc,
        api::ItemOrder::PriceDesc,
        api::ItemOrder::Popular,
        api::ItemOrder::Hearts,
    ];
    for order in orders {
        let stays: BTreeSet<_> = items.iter().skip(4).map(|item| item.item_id.clone()).collect();
        let mut search = api::SearchItemsRequest { order: order.into(), page_size: 3, ..Default::default() };
        let mut seen = Vec::new();
        for round in 0.. {
            let page = page(&shop, &search).await;
            seen.extend(page.items.into_iter().map(|item| item.item_id));
            if page.next_page_token.is_empty() {
                break;
            }
            search.page_token = page.next_page_token;
            // Between the pages others come, go and change their price.
            shop.new_item(&new_id(), vec![draft("only", 1_001, 1)]).await;
            let changing = &items[0];
            let price = Some(won(900 + 200 * (round % 2)));
            shop.update_options(changing, vec![api::OptionDraft { price, ..kept(&changing.options[0]) }]).await;
            if let Some(last) = (items.len() > 9).then(|| items.remove(1)) {
                let delete = api::DeleteItemRequest { item_id: last.item_id };
                shop.catalog(&shop.seller).delete_item(delete).await.unwrap();
            }
        }
        let still: Vec<_> = seen.iter().filter(|item_id| stays.contains(*item_id)).collect();
        assert_eq!(still.len(), stays.len(), "{order:?}");
        assert_eq!(still.into_iter().collect::<BTreeSet<_>>().len(), stays.len(), "{order:?}");
    }
}

#[tokio::test]
async fn a_page_token_holds_only_for_its_own_query() {
    let shop = Shop::open().await;
    three_cups(&shop).await;
    let search = api::SearchItemsRequest { page_size: 1, ..Default::default() };
    let token = page(&shop, &search).await.next_page_token;
    let other = api::SearchItemsRequest { keyword: "cup".into(), page_token: token.clone(), ..search.clone() };
    let refused = shop.public_catalog().search_items(other).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_ARGUMENT");
    // The size of the page may change from page to page.
    let rest = api::SearchItemsRequest { page_size: 100, page_token: token, ..search };
    assert_eq!(page(&shop, &rest).await.items.len(), 2);
}
