//! Categories and items.

use bojagi_api::item as api;
use bojagi_testkit::reason;
use prost_types::FieldMask;
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, new_id, won};

#[tokio::test]
async fn an_item_is_shown_as_it_was_described() {
    let shop = Shop::open().await;
    let created = shop.new_item("  Mug ", vec![draft("red", 5_000, 10), draft("blue", 4_000, 1)]).await;
    let get = api::GetItemRequest { item_id: created.item_id.clone() };
    let shown = shop.public_catalog().get_item(get).await.unwrap().into_inner().item.unwrap();
    assert_eq!(shown, created);
    assert_eq!((shown.name.as_str(), shown.lowest_price.clone()), ("Mug", Some(won(4_000))));
    assert_eq!((shown.store_name.as_str(), shown.category_name.as_str()), ("The kiln", "Pottery"));
    let options: Vec<_> = shown.options.iter().map(|option| (option.name.as_str(), option.available)).collect();
    assert_eq!(options, [("red", 10), ("blue", 1)]);
    assert!(shown.options.iter().all(|option| option.sale_window.is_none()));

    let told = shop.told::<api::ItemCreated>(&created.item_id).await.remove(0).item.unwrap();
    assert_eq!(told.options.len(), 2);
    assert!(told.options.iter().all(|option| option.state() == api::OptionState::Active));
    let put_in = shop.told::<api::StockAdjusted>(&shown.options[0].option_id).await;
    assert_eq!((put_in[0].delta, put_in[0].stock.as_ref().unwrap().available), (10, 10));
}

#[tokio::test]
async fn a_name_is_unique_among_the_living_items_of_its_store() {
    let shop = Shop::open().await;
    let mug = shop.new_item("Mug", vec![draft("red", 1, 1)]).await;
    let mut catalog = shop.catalog(&shop.seller);
    let again = shop.item_request("MUG", vec![draft("red", 1, 1)]);
    let refused = catalog.create_item(again.clone()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "ITEM_NAME_TAKEN"));
    let elsewhere = api::CreateItemRequest { store_id: shop.new_store("Glaze").await.store_id, ..again.clone() };
    assert!(catalog.create_item(elsewhere).await.is_ok());

    let cup = shop.new_item("Cup", vec![draft("red", 1, 1)]).await;
    let rename =
        api::UpdateItemRequest { request_id: new_id(), item_id: cup.item_id, name: "mug".into(), ..Default::default() };
    assert_eq!(reason(&catalog.update_item(rename).await.unwrap_err()), "ITEM_NAME_TAKEN");
    catalog.delete_item(api::DeleteItemRequest { item_id: mug.item_id }).await.unwrap();
    let anew = api::CreateItemRequest { request_id: new_id(), ..again };
    assert!(catalog.create_item(anew).await.is_ok());
}

#[tokio::test]
async fn only_what_the_mask_names_is_changed() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let glass = shop.new_category("Glass").await;
    let mut catalog = shop.catalog(&shop.seller);
    let all = api::UpdateItemRequest {
        request_id: new_id(),
        item_id: item.item_id.clone(),
        category_id: glass.category_id.clone(),
        name: "Beaker".into(),
        description: String::new(),
        thumbnail_url: String::new(),
        options: Vec::new(),
        update_mask: Some(FieldMask { paths: vec!["description".into(), "thumbnail_url".into()] }),
    };
    let changed = catalog.update_item(all.clone()).await.unwrap().into_inner().item.unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("Mug", ""));
    assert_eq!((changed.thumbnail_url.as_str(), &changed.category_id), ("", &shop.category_id));

    let unmasked = api::UpdateItemRequest { request_id: new_id(), update_mask: None, ..all };
    let changed = catalog.update_item(unmasked).await.unwrap().into_inner().item.unwrap();
    assert_eq!((changed.name.as_str(), changed.category_name.as_str()), ("Beaker", "Glass"));
    assert_eq!(changed.options, item.options);
    let told = shop.told::<api::ItemUpdated>(&item.item_id).await;
    assert_eq!(told.last().unwrap().item.as_ref().unwrap().name, "Beaker");
}

#[tokio::test]
async fn a_category_in_use_stays() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let mut catalog = shop.catalog(&shop.admin);
    let delete = api::DeleteCategoryRequest { category_id: shop.category_id.clone() };
    let refused = catalog.delete_category(delete.clone()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CATEGORY_IN_USE"));
    assert_eq!(refused.get_error_details().error_info().unwrap().metadata["items"], "1");

    let gone = api::DeleteItemRequest { item_id: item.item_id };
    shop.catalog(&shop.seller).delete_item(gone).await.unwrap();
    catalog.delete_category(delete.clone()).await.unwrap();
    assert_eq!(reason(&catalog.delete_category(delete).await.unwrap_err()), "CATEGORY_NOT_FOUND");
    let sorted_nowhere = shop.item_request("Mug", vec![draft("red", 1, 1)]);
    let refused = shop.catalog(&shop.seller).create_item(sorted_nowhere).await.unwrap_err();
    assert_eq!(reason(&refused), "CATEGORY_NOT_FOUND");
}

#[tokio::test]
async fn categories_are_listed_by_name_and_named_once() {
    let shop = Shop::open().await;
    for name in ["wood", "Glass", "metal", "Äpfel"] {
        shop.new_category(name).await;
    }
    let twice = api::CreateCategoryRequest { request_id: new_id(), name: "äPFEL".into() };
    let refused = shop.catalog(&shop.admin).create_category(twice).await.unwrap_err();
    assert_eq!(reason(&refused), "CATEGORY_NAME_TAKEN");

    let mut request = api::ListCategoriesRequest { page_size: 2, page_token: String::new() };
    let mut names = Vec::new();
    loop {
        let page = shop.public_catalog().list_categories(request.clone()).await.unwrap().into_inner();
        assert!(page.categories.len() <= 2);
        names.extend(page.categories.into_iter().map(|category| category.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(names, ["Glass", "metal", "Pottery", "wood", "Äpfel"]);
}

#[tokio::test]
async fn a_batch_answers_what_is_there_and_names_what_is_not() {
    let shop = Shop::open().await;
    let first = shop.new_item("A", vec![draft("red", 1, 1)]).await.item_id;
    let second = shop.new_item("B", vec![draft("red", 1, 1)]).await.item_id;
    let missing = new_id();
    let item_ids = vec![second.clone(), missing.clone(), first.clone(), second.clone()];
    let request = api::BatchGetItemsRequest { item_ids };
    let answer = shop.public_catalog().batch_get_items(request).await.unwrap().into_inner();
    let found: Vec<_> = answer.items.into_iter().map(|item| item.item_id).collect();
    assert_eq!(found, [second, first]);
    assert_eq!(answer.missing_item_ids, [missing]);
}
