//! What is another seller's is answered like what does not exist.

use bojagi_api::item as api;
use bojagi_api::policy::Role;
use bojagi_testkit::reason;
use tonic::{Code, Status};

use crate::shop::{Shop, draft, kept, line, new_id, order};

#[tokio::test]
async fn another_seller_changes_nothing_and_learns_nothing() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let other = shop.rig.account(&[Role::Seller]);
    let (mut stores, mut catalog, mut stock) = (shop.stores(&other), shop.catalog(&other), shop.stock(&other));

    for (store_id, item_id, option_id) in [
        (shop.store_id.clone(), item.item_id.clone(), item.options[0].option_id.clone()),
        (new_id(), new_id(), new_id()),
    ] {
        let rename = api::UpdateStoreRequest { store_id: store_id.clone(), name: "Mine".into(), ..Default::default() };
        not_found(stores.update_store(rename).await, "STORE_NOT_FOUND");
        let nothing = api::UpdateStoreRequest { store_id: store_id.clone(), ..Default::default() };
        not_found(stores.update_store(nothing).await, "STORE_NOT_FOUND");
        not_found(stores.delete_store(api::DeleteStoreRequest { store_id: store_id.clone() }).await, "STORE_NOT_FOUND");
        let offer = api::CreateItemRequest { store_id, ..shop.item_request("Cup", vec![draft("red", 1, 1)]) };
        not_found(catalog.create_item(offer).await, "STORE_NOT_FOUND");
        let change = api::UpdateItemRequest {
            request_id: new_id(),
            item_id: item_id.clone(),
            options: vec![kept(&item.options[0])],
            ..Default::default()
        };
        not_found(catalog.update_item(change).await, "ITEM_NOT_FOUND");
        not_found(catalog.delete_item(api::DeleteItemRequest { item_id }).await, "ITEM_NOT_FOUND");
        let take = api::AdjustStockRequest { request_id: new_id(), option_id, delta: -1 };
        not_found(stock.adjust_stock(take).await, "OPTION_NOT_FOUND");
    }
    assert_eq!(shop.counts(&item.options[0].option_id).await, (10, 0, 0, 10));
}

fn not_found<T: std::fmt::Debug>(answer: Result<T, Status>, expected: &str) {
    let refused = answer.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, expected));
}

#[tokio::test]
async fn only_order_reserves() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = order(vec![line(&option, 1)]);
    let refused = shop.stock(&shop.seller).reserve_stock(asked.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let mut as_coupon = api::stock_service_client::StockServiceClient::new(shop.rig.workload("coupon"));
    assert_eq!(as_coupon.reserve_stock(asked).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));
}
