//! Every wrong field is named; nothing panics.

use bojagi_api::common::Money;
use bojagi_api::item as api;
use bojagi_testkit::reason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, line, new_id, order, window, won};

/// The fields that a refusal names.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    assert_eq!((status.code(), reason(status).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"), "{status:?}");
    let details = status.get_error_details();
    details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.clone()).collect()
}

#[tokio::test]
async fn an_item_is_refused_with_every_wrong_field() {
    let shop = Shop::open().await;
    let mut catalog = shop.catalog(&shop.seller);
    let all_wrong = api::CreateItemRequest {
        request_id: "1".into(),
        store_id: String::new(),
        category_id: "x".into(),
        name: " ".into(),
        description: "x".repeat(10_001),
        thumbnail_url: "javascript:alert(1)".into(),
        options: Vec::new(),
    };
    let named = fields(&catalog.create_item(all_wrong).await.unwrap_err());
    let all = ["request_id", "store_id", "category_id", "name", "description", "thumbnail_url", "options"];
    assert_eq!(named, all);

    let option = |change: fn(&mut api::OptionDraft)| {
        let mut option = draft("red", 5_000, 10);
        change(&mut option);
        vec![option]
    };
    let table = [
        ("options[0].option_id", option(|option| option.option_id = new_id())),
        ("options[0].name", option(|option| option.name = "a\nb".into())),
        ("options[0].price", option(|option| option.price = None)),
        ("options[0].price.minor_units", option(|option| option.price = Some(won(0)))),
        ("options[0].price.minor_units", option(|option| option.price = Some(won(i64::MIN)))),
        ("options[0].price.minor_units", option(|option| option.price = Some(won(i64::MAX)))),
        (
            "options[0].price.currency_code",
            option(|option| {
                option.price = Some(Money { currency_code: "USD".into(), minor_units: 5 });
            }),
        ),
        (
            "options[0].price.currency_code",
            option(|option| option.price.as_mut().unwrap().currency_code = "won".into()),
        ),
        ("options[0].stock", option(|option| option.stock = 0)),
        ("options[0].stock", option(|option| option.stock = -1)),
        ("options[0].stock", option(|option| option.stock = i64::MAX)),
        ("options[0].sale_window", option(|option| option.sale_window = Some(window(Some(5), Some(5))))),
        ("options[0].sale_window.ends_at", option(|option| option.sale_window = Some(window(None, Some(i64::MAX))))),
        ("options[0].per_customer_limit", option(|option| option.per_customer_limit = -1)),
        ("options[1].name", vec![draft("red", 1, 1), draft("RED", 1, 1)]),
        ("options", (0..101).map(|number| draft(&number.to_string(), 1, 1)).collect()),
    ];
    for (field, options) in table {
        let refused = catalog.create_item(shop.item_request("Mug", options)).await.unwrap_err();
        assert!(fields(&refused).contains(&field.to_owned()), "{field}: {refused:?}");
    }
}

#[tokio::test]
async fn an_ask_is_refused_with_every_wrong_field() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let mut stock = shop.reservations();
    let good = order(vec![line(&option, 1)]);
    let changed = |change: fn(&mut api::ReserveStockRequest)| {
        let mut asked = good.clone();
        change(&mut asked);
        asked
    };
    let table = [
        ("order_id", changed(|asked| asked.order_id = "no".into())),
        ("customer_id", changed(|asked| asked.customer_id.clear())),
        ("lines", changed(|asked| asked.lines.clear())),
        ("lines", changed(|asked| asked.lines = vec![asked.lines[0].clone(); 101])),
        ("lines[0].order_line_id", changed(|asked| asked.lines[0].order_line_id.clear())),
        ("lines[1].order_line_id", changed(|asked| asked.lines.push(asked.lines[0].clone()))),
        ("lines[0].option_id", changed(|asked| asked.lines[0].option_id.clear())),
        ("lines[0].quantity", changed(|asked| asked.lines[0].quantity = 0)),
        ("lines[0].quantity", changed(|asked| asked.lines[0].quantity = i64::MIN)),
        ("lines[0].quantity", changed(|asked| asked.lines[0].quantity = i64::MAX)),
        ("lines[0].expected_unit_price", changed(|asked| asked.lines[0].expected_unit_price = None)),
        (
            "lines[0].expected_unit_price.minor_units",
            changed(|asked| asked.lines[0].expected_unit_price = Some(won(-1))),
        ),
        (
            "lines[0].expected_unit_price.currency_code",
            changed(|asked| {
                asked.lines[0].expected_unit_price = Some(Money::default());
            }),
        ),
    ];
    for (field, asked) in table {
        let refused = stock.reserve_stock(asked).await.unwrap_err();
        assert_eq!(fields(&refused), [field]);
    }
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));
}

#[tokio::test]
async fn an_adjustment_moves_something_and_not_too_much() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    for delta in [0, i64::MIN, i64::MAX, 1_000_000_001] {
        let adjust = api::AdjustStockRequest { request_id: new_id(), option_id: option.option_id.clone(), delta };
        assert_eq!(fields(&shop.stock(&shop.seller).adjust_stock(adjust).await.unwrap_err()), ["delta"]);
    }
}

#[tokio::test]
async fn searches_and_lists_name_what_is_wrong() {
    let shop = Shop::open().await;
    let mut catalog = shop.public_catalog();
    let dollars = Money { currency_code: "USD".into(), minor_units: 5 };
    let search = |change: fn(&mut api::SearchItemsRequest)| {
        let mut search = api::SearchItemsRequest::default();
        change(&mut search);
        search
    };
    let mut mixed = search(|search| search.min_price = Some(won(1)));
    mixed.max_price = Some(dollars);
    let table = [
        ("keyword", search(|search| search.keyword = "x".repeat(101))),
        ("category_id", search(|search| search.category_id = "x".into())),
        ("store_id", search(|search| search.store_id = "x".into())),
        ("min_price.minor_units", search(|search| search.min_price = Some(won(-1)))),
        ("max_price.currency_code", mixed),
        ("max_price.minor_units", search(|search| (search.min_price, search.max_price) = (Some(won(2)), Some(won(1))))),
        ("order", search(|search| search.order = 99)),
        ("page_size", search(|search| search.page_size = -1)),
        ("page_token", search(|search| search.page_token = "x".into())),
    ];
    for (field, search) in table {
        assert_eq!(fields(&catalog.search_items(search).await.unwrap_err()), [field]);
    }
    let list = api::ListCategoriesRequest { page_size: -1, page_token: "x".into() };
    assert_eq!(fields(&catalog.list_categories(list).await.unwrap_err()), ["page_size", "page_token"]);
    for item_ids in [Vec::new(), vec![new_id(); 101]] {
        let batch = api::BatchGetItemsRequest { item_ids };
        assert_eq!(fields(&catalog.batch_get_items(batch).await.unwrap_err()), ["item_ids"]);
    }
    let batch = api::BatchGetItemsRequest { item_ids: vec![new_id(), "x".into()] };
    assert_eq!(fields(&catalog.batch_get_items(batch).await.unwrap_err()), ["item_ids[1]"]);
}
