//! Requests that come twice.

use bojagi_api::item as api;
use bojagi_testkit::reason;
use futures::future::join_all;
use tonic::Code;

use crate::shop::{Shop, draft, new_id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_sent_64_times_at_once_has_one_effect_and_one_answer() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let request = api::AdjustStockRequest { request_id: new_id(), option_id: option.option_id.clone(), delta: 5 };
    let calls = (0..64).map(|_| {
        let (mut stock, request) = (shop.stock(&shop.seller), request.clone());
        tokio::spawn(async move { stock.adjust_stock(request).await.unwrap().into_inner() })
    });
    let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(shop.counts(&option.option_id).await, (15, 0, 0, 15));

    let other = api::AdjustStockRequest { delta: 6, ..request };
    let refused = shop.stock(&shop.seller).adjust_stock(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED"));
}

#[tokio::test]
async fn what_was_created_is_answered_again_also_after_a_crash() {
    let shop = Shop::open().await;
    let store = api::CreateStoreRequest { request_id: new_id(), name: "Glaze".into(), description: String::new() };
    let category = api::CreateCategoryRequest { request_id: new_id(), name: "Glass".into() };
    let item = shop.item_request("Mug", vec![draft("red", 5_000, 10)]);
    let first = (
        shop.stores(&shop.seller).create_store(store.clone()).await.unwrap().into_inner(),
        shop.catalog(&shop.admin).create_category(category.clone()).await.unwrap().into_inner(),
        shop.catalog(&shop.seller).create_item(item.clone()).await.unwrap().into_inner(),
    );
    let shop = shop.crash().await;
    let second = (
        shop.stores(&shop.seller).create_store(store.clone()).await.unwrap().into_inner(),
        shop.catalog(&shop.admin).create_category(category).await.unwrap().into_inner(),
        shop.catalog(&shop.seller).create_item(item.clone()).await.unwrap().into_inner(),
    );
    assert_eq!(first, second);
    let other = api::CreateItemRequest { name: "Cup".into(), ..item };
    let refused = shop.catalog(&shop.seller).create_item(other).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_refused_request_can_be_sent_again_when_it_has_become_possible() {
    let shop = Shop::open().await;
    let request = api::CreateStoreRequest { request_id: new_id(), name: "The kiln".into(), description: String::new() };
    let mut stores = shop.stores(&shop.seller);
    assert_eq!(reason(&stores.create_store(request.clone()).await.unwrap_err()), "STORE_NAME_TAKEN");
    stores.delete_store(api::DeleteStoreRequest { store_id: shop.store_id.clone() }).await.unwrap();
    assert!(stores.create_store(request).await.is_ok());
}
