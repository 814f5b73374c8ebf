//! Options that are kept, retired and created, and their stock.

use bojagi_api::item as api;
use bojagi_testkit::reason;
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, kept, line, new_id, order, won};

#[tokio::test]
async fn kept_options_keep_their_stock_missing_ones_are_retired_new_ones_created() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10), draft("blue", 4_000, 5)]).await;
    let (red, blue) = (&item.options[0], &item.options[1]);
    let of_red = order(vec![line(red, 3)]);
    let of_blue = order(vec![line(blue, 2)]);
    for asked in [&of_red, &of_blue] {
        shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    }

    let dearer = api::OptionDraft { price: Some(won(6_000)), ..kept(red) };
    let changed = shop.update_options(&item, vec![draft("green", 7_000, 8), dearer]).await;
    let names: Vec<_> = changed.options.iter().map(|option| (option.name.as_str(), option.available)).collect();
    assert_eq!(names, [("green", 8), ("red", 7)]);
    assert_eq!(changed.options[1].option_id, red.option_id);
    assert_eq!(changed.lowest_price, Some(won(6_000)));

    let refused = shop.reservations().reserve_stock(order(vec![line(blue, 1)])).await.unwrap_err();
    assert_eq!(reason(&refused), "ITEM_NOT_FOUND");
    shop.confirm(&of_red).await;
    shop.fail(&of_blue).await;
    shop.sold(&of_red).await;
    shop.released(&of_blue).await;
    assert_eq!(shop.counts(&red.option_id).await, (7, 0, 3, 10));
    assert_eq!(shop.counts(&blue.option_id).await, (5, 0, 0, 5));

    let told = shop.told::<api::ItemUpdated>(&item.item_id).await.remove(0).item.unwrap();
    let states: Vec<_> = told.options.iter().map(|option| (option.name.as_str(), option.state())).collect();
    let (active, retired) = (api::OptionState::Active, api::OptionState::Retired);
    assert_eq!(states, [("green", active), ("red", active), ("blue", retired)]);
}

#[tokio::test]
async fn options_can_exchange_their_names() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10), draft("blue", 4_000, 5)]).await;
    let named = |option: &api::Option, name: &str| api::OptionDraft { name: name.into(), ..kept(option) };
    let exchanged = vec![named(&item.options[0], "blue"), named(&item.options[1], "red")];
    let changed = shop.update_options(&item, exchanged).await;
    let names: Vec<_> = changed.options.iter().map(|option| (option.name.as_str(), option.available)).collect();
    assert_eq!(names, [("blue", 10), ("red", 5)]);
}

#[tokio::test]
async fn an_option_of_another_item_or_a_retired_one_cannot_be_kept() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10), draft("blue", 4_000, 5)]).await;
    let foreign = shop.new_option(1).await;
    let retired = item.options[1].clone();
    let item = shop.update_options(&item, vec![kept(&item.options[0])]).await;
    for option in [foreign, retired] {
        let request = api::UpdateItemRequest {
            request_id: new_id(),
            item_id: item.item_id.clone(),
            options: vec![api::OptionDraft { name: "other".into(), ..kept(&option) }],
            ..Default::default()
        };
        let refused = shop.catalog(&shop.seller).update_item(request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "OPTION_NOT_FOUND"));
    }
    let get = api::GetItemRequest { item_id: item.item_id.clone() };
    let unchanged = shop.public_catalog().get_item(get).await.unwrap().into_inner().item.unwrap();
    assert_eq!(unchanged.options, item.options);
}

#[tokio::test]
async fn stock_goes_in_and_out_but_never_below_zero() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    shop.reservations().reserve_stock(order(vec![line(&option, 4)])).await.unwrap();
    let mut stock = shop.stock(&shop.seller);
    let adjust = |delta| api::AdjustStockRequest { request_id: new_id(), option_id: option.option_id.clone(), delta };

    let refused = stock.adjust_stock(adjust(-7)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STOCK_BELOW_ZERO"));
    assert_eq!(refused.get_error_details().error_info().unwrap().metadata["available"], "6");
    let empty = stock.adjust_stock(adjust(-6)).await.unwrap().into_inner().stock.unwrap();
    assert_eq!((empty.available, empty.reserved, empty.put_in), (0, 4, 4));
    let full = stock.adjust_stock(adjust(1_000_000_000)).await.unwrap().into_inner().stock.unwrap();
    assert_eq!(full.available, 1_000_000_000);

    let get = api::GetStockRequest { option_id: option.option_id.clone() };
    assert_eq!(stock.get_stock(get).await.unwrap().into_inner().stock, Some(full));
    let told = shop.told::<api::StockAdjusted>(&option.option_id).await;
    assert_eq!(told.iter().map(|fact| fact.delta).collect::<Vec<_>>(), [10, -6, 1_000_000_000]);
}

#[tokio::test]
async fn the_stock_of_a_retired_option_is_not_shown_or_changed() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let option_id = item.options[0].option_id.clone();
    shop.catalog(&shop.seller).delete_item(api::DeleteItemRequest { item_id: item.item_id }).await.unwrap();
    let mut stock = shop.stock(&shop.seller);
    let get = api::GetStockRequest { option_id: option_id.clone() };
    assert_eq!(reason(&stock.get_stock(get).await.unwrap_err()), "OPTION_NOT_FOUND");
    let adjust = api::AdjustStockRequest { request_id: new_id(), option_id, delta: 1 };
    assert_eq!(reason(&stock.adjust_stock(adjust).await.unwrap_err()), "OPTION_NOT_FOUND");
}
