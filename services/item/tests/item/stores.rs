//! Stores: names, changes, and the end of a store.

use bojagi_api::item as api;
use bojagi_api::policy::Role;
use bojagi_api::user::{AccountClosed, AccountKind};
use bojagi_testkit::{eventually, reason};
use prost_types::FieldMask;
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, kept, line, new_id, order};

fn create(name: &str) -> api::CreateStoreRequest {
    api::CreateStoreRequest { request_id: new_id(), name: name.into(), description: "Cups".into() }
}

#[tokio::test]
async fn a_name_is_unique_among_living_stores_whatever_its_case() {
    let shop = Shop::open().await;
    let mut stores = shop.stores(&shop.seller);
    let refused = stores.create_store(create("  the KILN ")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "STORE_NAME_TAKEN"));
    let glaze = stores.create_store(create("Glaze")).await.unwrap().into_inner().store.unwrap();
    let rename = api::UpdateStoreRequest { store_id: glaze.store_id, name: "The Kiln".into(), ..Default::default() };
    assert_eq!(reason(&stores.update_store(rename).await.unwrap_err()), "STORE_NAME_TAKEN");

    stores.delete_store(api::DeleteStoreRequest { store_id: shop.store_id.clone() }).await.unwrap();
    assert!(stores.create_store(create("The Kiln")).await.is_ok());
}

#[tokio::test]
async fn only_what_the_mask_names_is_changed() {
    let shop = Shop::open().await;
    let mut stores = shop.stores(&shop.seller);
    let store = stores.create_store(create("Glaze")).await.unwrap().into_inner().store.unwrap();
    let mut change = api::UpdateStoreRequest {
        store_id: store.store_id.clone(),
        name: "Slip".into(),
        description: String::new(),
        update_mask: Some(FieldMask { paths: vec!["description".into()] }),
    };
    let changed = stores.update_store(change.clone()).await.unwrap().into_inner().store.unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("Glaze", ""));
    change.update_mask = None;
    let changed = stores.update_store(change.clone()).await.unwrap().into_inner().store.unwrap();
    assert_eq!(changed.name, "Slip");
    change.update_mask = Some(FieldMask { paths: vec!["seller_id".into()] });
    assert_eq!(stores.update_store(change).await.unwrap_err().code(), Code::InvalidArgument);

    let told = shop.told::<api::StoreUpdated>(&store.store_id).await;
    assert_eq!(told.last().unwrap().name, "Slip");
    assert_eq!(shop.told::<api::StoreCreated>(&store.store_id).await.len(), 1);
}

#[tokio::test]
async fn a_deleted_store_takes_its_items_along_but_not_what_orders_hold() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let asked = order(vec![line(&item.options[0], 2)]);
    shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    let mut stores = shop.stores(&shop.seller);
    let delete = api::DeleteStoreRequest { store_id: shop.store_id.clone() };
    stores.delete_store(delete.clone()).await.unwrap();

    assert_eq!(reason(&stores.delete_store(delete).await.unwrap_err()), "STORE_NOT_FOUND");
    let get = api::GetItemRequest { item_id: item.item_id.clone() };
    assert_eq!(reason(&shop.public_catalog().get_item(get).await.unwrap_err()), "ITEM_NOT_FOUND");
    let late = shop.reservations().reserve_stock(order(vec![line(&item.options[0], 1)])).await.unwrap_err();
    assert_eq!(reason(&late), "ITEM_NOT_FOUND");
    let told = shop.told::<api::ItemDeleted>(&item.item_id).await;
    assert_eq!(told[0].option_ids, [item.options[0].option_id.clone()]);
    assert_eq!(shop.told::<api::StoreDeleted>(&shop.store_id).await.len(), 1);

    shop.confirm(&asked).await;
    shop.sold(&asked).await;
    assert_eq!(shop.counts(&item.options[0].option_id).await, (8, 0, 2, 10));
}

#[tokio::test]
async fn a_store_of_dozens_of_items_goes_whole_and_each_item_is_told_once() {
    let shop = Shop::open().await;
    let mut items = Vec::new();
    for number in 0..70 {
        let options = vec![draft("red", 5_000 + number, 10), draft("blue", 6_000, 10)];
        items.push(shop.new_item(&format!("Mug {number:02}"), options).await);
    }
    // One that went before, and one with an option that did.
    let mut catalog = shop.catalog(&shop.seller);
    catalog.delete_item(api::DeleteItemRequest { item_id: items[0].item_id.clone() }).await.unwrap();
    items[1] = shop.update_options(&items[1], vec![kept(&items[1].options[1])]).await;
    let other_store = shop.new_store("Glaze").await;
    let elsewhere = api::CreateItemRequest {
        store_id: other_store.store_id.clone(),
        ..shop.item_request("Bowl", vec![draft("only", 1_000, 1)])
    };
    let bowl = catalog.create_item(elsewhere).await.unwrap().into_inner().item.unwrap();

    let delete = api::DeleteStoreRequest { store_id: shop.store_id.clone() };
    shop.stores(&shop.seller).delete_store(delete).await.unwrap();
    for item in &items {
        let mut told = shop.told::<api::ItemDeleted>(&item.item_id).await;
        let mut options: Vec<_> = item.options.iter().map(|option| option.option_id.clone()).collect();
        options.sort();
        told[0].option_ids.sort();
        let deleted = api::ItemDeleted {
            item_id: item.item_id.clone(),
            store_id: shop.store_id.clone(),
            seller_id: shop.seller.account_id.to_string(),
            option_ids: options,
        };
        assert_eq!(told, [deleted]);
    }
    assert_eq!(shop.told::<api::StoreDeleted>(&shop.store_id).await.len(), 1);
    let in_store = api::SearchItemsRequest { store_id: shop.store_id.clone(), ..Default::default() };
    assert!(shop.public_catalog().search_items(in_store).await.unwrap().into_inner().items.is_empty());
    let late = shop.reservations().reserve_stock(order(vec![line(&items[69].options[1], 1)])).await.unwrap_err();
    assert_eq!(reason(&late), "ITEM_NOT_FOUND");
    // The category is free of them; what is in another store stays.
    let delete = api::DeleteCategoryRequest { category_id: shop.category_id.clone() };
    let in_use = shop.catalog(&shop.admin).delete_category(delete).await.unwrap_err();
    assert_eq!(in_use.get_error_details().error_info().unwrap().metadata["items"], "1");
    assert!(shop.told::<api::ItemDeleted>(&bowl.item_id).await.is_empty());
    shop.reservations().reserve_stock(order(vec![line(&bowl.options[0], 1)])).await.unwrap();
}

#[tokio::test]
async fn the_stores_of_a_closed_account_go() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let other_store = shop.new_store("Glaze").await;
    let account_id = shop.seller.account_id;
    let closed = AccountClosed { account_id: account_id.to_string(), kind: AccountKind::Seller.into() };
    shop.users.tell(account_id.into(), &closed).await;
    for store_id in [&shop.store_id, &other_store.store_id] {
        eventually("the store goes", async || !shop.told::<api::StoreDeleted>(store_id).await.is_empty()).await;
    }
    assert_eq!(shop.told::<api::ItemDeleted>(&item.item_id).await.len(), 1);
    let get = api::GetStoreRequest { store_id: shop.store_id.clone() };
    assert_eq!(reason(&shop.stores(&shop.seller).get_store(get).await.unwrap_err()), "STORE_NOT_FOUND");
}

#[tokio::test]
async fn a_closed_account_opens_no_store_any_more() {
    let shop = Shop::open().await;
    let before = create("Glaze");
    let mut stores = shop.stores(&shop.seller);
    let opened = stores.create_store(before.clone()).await.unwrap().into_inner();
    let account_id = shop.seller.account_id;
    let closed = AccountClosed { account_id: account_id.to_string(), kind: AccountKind::Seller.into() };
    shop.users.tell(account_id.into(), &closed).await;
    eventually("the store goes", async || !shop.told::<api::StoreDeleted>(&shop.store_id).await.is_empty()).await;

    // Its token is still good as far as the guard here knows.
    let refused = stores.create_store(create("Slip")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "TOKEN_REVOKED"));
    let offer = shop.item_request("Mug", vec![draft("red", 5_000, 10)]);
    let refused = shop.catalog(&shop.seller).create_item(offer).await.unwrap_err();
    assert_eq!(reason(&refused), "STORE_NOT_FOUND");
    // What was answered before is answered again.
    assert_eq!(stores.create_store(before).await.unwrap().into_inner(), opened);
    let all = api::SearchStoresRequest { seller_id: account_id.to_string(), ..Default::default() };
    assert!(stores.search_stores(all).await.unwrap().into_inner().stores.is_empty());
    // Others open theirs.
    let other = shop.rig.account(&[Role::Seller]);
    assert!(shop.stores(&other).create_store(create("The kiln")).await.is_ok());
}

#[tokio::test]
async fn stores_are_found_by_keyword_and_listed_page_by_page() {
    let shop = Shop::open().await;
    for name in ["Delta", "alpha 100%", "Bravo", "charlie"] {
        shop.new_store(name).await;
    }
    let mut stores = shop.stores(&shop.seller);
    let mut list = async |order: api::StoreOrder, keyword: &str| {
        let mut names = Vec::new();
        let mut request = api::SearchStoresRequest {
            keyword: keyword.into(),
            order: order.into(),
            page_size: 2,
            ..Default::default()
        };
        loop {
            let page = stores.search_stores(request.clone()).await.unwrap().into_inner();
            names.extend(page.stores.into_iter().map(|store| store.name));
            if page.next_page_token.is_empty() {
                return names;
            }
            request.page_token = page.next_page_token;
        }
    };
    assert_eq!(list(api::StoreOrder::Name, "").await, ["alpha 100%", "Bravo", "charlie", "Delta", "The kiln"]);
    assert_eq!(list(api::StoreOrder::Newest, "").await, ["charlie", "Bravo", "alpha 100%", "Delta", "The kiln"]);
    assert_eq!(list(api::StoreOrder::Name, "ALPHA").await, ["alpha 100%"]);
    assert_eq!(list(api::StoreOrder::Name, "0%").await, ["alpha 100%"]);
    assert!(list(api::StoreOrder::Name, "a%a").await.is_empty());
}
