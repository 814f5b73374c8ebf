//! Hearts: once for each customer, counted exactly, listed, and an order of items.

use std::time::Duration;

use bojagi_api::item as api;
use bojagi_api::policy::Role;
use bojagi_testkit::{TestAccount, reason};
use futures::future::join_all;
use tonic::{Code, Status};

use crate::favours::{favours, numbers_are_right};
use crate::shop::{Shop, draft, new_id};

pub(crate) async fn heart(shop: &Shop, customer: &TestAccount, item_id: &str) -> Result<i64, Status> {
    let request = api::HeartItemRequest { request_id: new_id(), item_id: item_id.into() };
    Ok(shop.catalog(customer).heart_item(request).await?.into_inner().hearts)
}

pub(crate) async fn unheart(shop: &Shop, customer: &TestAccount, item_id: &str) -> Result<i64, Status> {
    let request = api::UnheartItemRequest { request_id: new_id(), item_id: item_id.into() };
    Ok(shop.catalog(customer).unheart_item(request).await?.into_inner().hearts)
}

pub(crate) async fn hearts(shop: &Shop, item_id: &str) -> i64 {
    let get = api::GetItemRequest { item_id: item_id.into() };
    shop.public_catalog().get_item(get).await.unwrap().into_inner().item.unwrap().hearts
}

/// The items with a customer's heart, of all pages.
pub(crate) async fn hearted(shop: &Shop, customer: &TestAccount) -> Vec<api::HeartedItem> {
    let mut list = api::ListHeartedItemsRequest { page_size: 2, page_token: String::new() };
    let mut all = Vec::new();
    loop {
        let page = shop.catalog(customer).list_hearted_items(list.clone()).await.unwrap().into_inner();
        assert!(page.hearted_items.len() <= 2);
        all.extend(page.hearted_items);
        if page.next_page_token.is_empty() {
            return all;
        }
        list.page_token = page.next_page_token;
    }
}

fn names(hearted: &[api::HeartedItem]) -> Vec<&str> {
    hearted.iter().map(|hearted| hearted.item.as_ref().unwrap().name.as_str()).collect()
}

pub(crate) fn customers(shop: &Shop, count: usize) -> Vec<TestAccount> {
    (0..count).map(|_| shop.rig.account(&[Role::Customer])).collect()
}

#[tokio::test]
async fn a_heart_counts_once_for_each_customer_and_changes_nothing_else() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    assert_eq!(item.hearts, 0);
    let customers = customers(&shop, 2);
    let (one, other) = (&customers[0], &customers[1]);
    shop.rig.clock.advance(Duration::from_secs(1));
    assert_eq!(unheart(&shop, one, &item.item_id).await.unwrap(), 0);
    assert_eq!(heart(&shop, one, &item.item_id).await.unwrap(), 1);
    assert_eq!(heart(&shop, one, &item.item_id).await.unwrap(), 1);
    assert_eq!(heart(&shop, other, &item.item_id).await.unwrap(), 2);
    assert_eq!(unheart(&shop, one, &item.item_id).await.unwrap(), 1);
    assert_eq!(unheart(&shop, one, &item.item_id).await.unwrap(), 1);

    let get = api::GetItemRequest { item_id: item.item_id.clone() };
    let shown = shop.public_catalog().get_item(get).await.unwrap().into_inner().item.unwrap();
    assert_eq!(shown, api::Item { hearts: 1, ..item.clone() });
    assert!(shop.told::<api::ItemUpdated>(&item.item_id).await.is_empty(), "hearts are told to nobody");
    assert_eq!(favours(&shop, "heart").await, 1);
}

#[tokio::test]
async fn a_request_that_comes_again_has_no_second_effect() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let customer = &customers(&shop, 1)[0];
    let request = api::HeartItemRequest { request_id: new_id(), item_id: item.item_id.clone() };
    shop.catalog(customer).heart_item(request.clone()).await.unwrap();
    assert_eq!(unheart(&shop, customer, &item.item_id).await.unwrap(), 0);

    let shop = shop.crash().await;
    let again = shop.catalog(customer).heart_item(request.clone()).await.unwrap().into_inner();
    assert_eq!(again.hearts, 1, "as it was answered then");
    assert_eq!(hearts(&shop, &item.item_id).await, 0, "the heart was taken back since");
    let cup = shop.new_item("Cup", vec![draft("red", 5_000, 10)]).await;
    let other = api::HeartItemRequest { item_id: cup.item_id, ..request };
    let refused = shop.catalog(customer).heart_item(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_customer_64_times_at_once_is_one_heart() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let customer = &customers(&shop, 1)[0];
    let same = api::HeartItemRequest { request_id: new_id(), item_id: item.item_id.clone() };
    let calls = (0..64).map(|number| {
        let request_id = if number % 2 == 0 { same.request_id.clone() } else { new_id() };
        let (mut catalog, request) = (shop.catalog(customer), api::HeartItemRequest { request_id, ..same.clone() });
        tokio::spawn(async move { catalog.heart_item(request).await.unwrap().into_inner().hearts })
    });
    let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, [1; 64]);
    assert_eq!((hearts(&shop, &item.item_id).await, favours(&shop, "heart").await), (1, 1));
}

/// Two processes, customers who give and take back at once, some of them as two, and an item that goes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_never_drift() {
    let one = Shop::open().await;
    let other = one.beside(bojagi_item::Config::default()).await;
    let mut items = Vec::new();
    for name in ["Mug", "Cup", "Bowl"] {
        items.push(one.new_item(name, vec![draft("red", 5_000, 10)]).await.item_id);
    }
    let customers = customers(&one, 32);
    let (one, other, items) = (&one, &other, &items);
    let calls = customers.iter().enumerate().map(async |(number, customer)| {
        for round in 0..6 {
            let item_id = &items[(number + round) % items.len()];
            let (here, there) = if number % 2 == 0 { (one, other) } else { (other, one) };
            let answered = match (number + round) % 3 {
                0 => tokio::join!(heart(here, customer, item_id), unheart(there, customer, item_id)),
                1 => tokio::join!(heart(here, customer, item_id), heart(there, customer, item_id)),
                _ => tokio::join!(unheart(here, customer, item_id), heart(here, customer, item_id)),
            };
            for answer in [answered.0, answered.1] {
                match answer {
                    Ok(count) => assert!((0..=32).contains(&count), "{count}"),
                    Err(refused) => assert_eq!((reason(&refused).as_str(), item_id), ("ITEM_NOT_FOUND", &items[2])),
                }
            }
        }
    });
    let deletion = async {
        let delete = api::DeleteItemRequest { item_id: items[2].clone() };
        one.catalog(&one.seller).delete_item(delete).await.unwrap();
    };
    tokio::join!(join_all(calls), deletion);
    assert!(numbers_are_right(one).await);
    // Everybody at last: the number is that of the people.
    let last = join_all(customers.iter().map(|customer| heart(other, customer, &items[0]))).await;
    assert!(last.iter().all(Result::is_ok));
    assert_eq!(hearts(one, &items[0]).await, 32);
    assert!(numbers_are_right(one).await);
}

#[tokio::test]
async fn a_thousand_customers_at_once_are_counted_in_order_of_arrival() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let customers = customers(&shop, 1_000);
    let answers = join_all(customers.iter().map(|customer| heart(&shop, customer, &item.item_id))).await;
    let counts: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(counts, (1..=1_000).collect::<Vec<i64>>());
    assert_eq!((hearts(&shop, &item.item_id).await, favours(&shop, "heart").await), (1_000, 1_000));
}

/// A1: what was acknowledged is there, whatever became of the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_heart_is_counted_once_while_connections_break() {
    let one = Shop::open().await;
    let other = one.beside(bojagi_item::Config::default()).await;
    let item = one.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let customers = customers(&one, 64);
    let (one, other) = (&one, &other);
    let calls = customers.iter().enumerate().map(async |(number, customer)| {
        let shop = if number % 2 == 0 { one } else { other };
        let request = api::HeartItemRequest { request_id: new_id(), item_id: item.item_id.clone() };
        while let Err(status) = shop.catalog(customer).heart_item(request.clone()).await {
            assert!(matches!(status.code(), Code::Unavailable | Code::Aborted), "{status:?}");
        }
    });
    let cuts = async {
        for _ in 0..6 {
            one.rig.cut_connections().await;
        }
    };
    tokio::join!(join_all(calls), cuts);
    one.rig.until_stores_answer().await;
    assert_eq!((hearts(one, &item.item_id).await, favours(one, "heart").await), (64, 64));
}

#[tokio::test]
async fn a_customer_finds_what_has_the_own_heart_the_latest_first() {
    let shop = Shop::open().await;
    let customers = customers(&shop, 2);
    let (customer, other) = (&customers[0], &customers[1]);
    let mut items = Vec::new();
    for name in ["Mug", "Cup", "Bowl", "Plate", "Jug"] {
        let item = shop.new_item(name, vec![draft("red", 5_000, 10)]).await;
        heart(&shop, customer, &item.item_id).await.unwrap();
        items.push(item);
        shop.rig.clock.advance(Duration::from_secs(1));
    }
    heart(&shop, other, &items[0].item_id).await.unwrap();
    let all = hearted(&shop, customer).await;
    assert_eq!(names(&all), ["Jug", "Plate", "Bowl", "Cup", "Mug"]);
    assert_eq!(all[4].item.as_ref().unwrap().hearts, 2);
    assert_eq!(all[4].hearted_at, items[0].created_at);

    // Given again it is the latest only if it was taken back; what is deleted is left out, and deleted it has no heart to take.
    heart(&shop, customer, &items[1].item_id).await.unwrap();
    unheart(&shop, customer, &items[0].item_id).await.unwrap();
    heart(&shop, customer, &items[0].item_id).await.unwrap();
    shop.catalog(&shop.seller).delete_item(api::DeleteItemRequest { item_id: items[3].item_id.clone() }).await.unwrap();
    assert_eq!(names(&hearted(&shop, customer).await), ["Mug", "Jug", "Bowl", "Cup"]);
    for refused in [
        heart(&shop, other, &items[3].item_id).await,
        unheart(&shop, customer, &items[3].item_id).await,
        heart(&shop, customer, &new_id()).await,
    ] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "ITEM_NOT_FOUND"));
    }
    assert_eq!(names(&hearted(&shop, other).await), ["Mug"]);

    // A token is for the list of one customer.
    let list = api::ListHeartedItemsRequest { page_size: 1, page_token: String::new() };
    let token = shop.catalog(customer).list_hearted_items(list.clone()).await.unwrap().into_inner().next_page_token;
    let strange = api::ListHeartedItemsRequest { page_token: token, ..list };
    assert_eq!(reason(&shop.catalog(other).list_hearted_items(strange).await.unwrap_err()), "INVALID_ARGUMENT");
}

#[tokio::test]
async fn items_are_listed_by_hearts_and_of_as_many_the_newest_first() {
    let shop = Shop::open().await;
    let customers = customers(&shop, 3);
    let mut items = Vec::new();
    for (name, hearts) in [("one", 1), ("none", 0), ("three", 3), ("one more", 1), ("two", 2)] {
        let item = shop.new_item(name, vec![draft("red", 5_000, 10)]).await;
        for customer in &customers[..hearts] {
            heart(&shop, customer, &item.item_id).await.unwrap();
        }
        items.push(item);
        shop.rig.clock.advance(Duration::from_secs(1));
    }
    let all = api::SearchItemsRequest { order: api::ItemOrder::Hearts.into(), page_size: 2, ..Default::default() };
    for search in [
        all.clone(),
        api::SearchItemsRequest { store_id: shop.store_id.clone(), ..all.clone() },
        api::SearchItemsRequest { category_id: shop.category_id.clone(), ..all.clone() },
    ] {
        let mut search = search;
        let mut found = Vec::new();
        loop {
            let page = shop.public_catalog().search_items(search.clone()).await.unwrap().into_inner();
            found.extend(page.items.into_iter().map(|item| (item.name, item.hearts)));
            if page.next_page_token.is_empty() {
                break;
            }
            search.page_token = page.next_page_token;
        }
        let expected = [("three", 3), ("two", 2), ("one more", 1), ("one", 1), ("none", 0)];
        assert_eq!(found, expected.map(|(name, hearts)| (name.to_owned(), hearts)), "{search:?}");
    }

    // What stays is neither repeated nor skipped while another item passes it in either direction.
    let first = shop.public_catalog().search_items(all.clone()).await.unwrap().into_inner();
    for customer in &customers {
        heart(&shop, customer, &items[1].item_id).await.unwrap();
        unheart(&shop, customer, &items[2].item_id).await.unwrap();
    }
    let rest = api::SearchItemsRequest { page_size: 100, page_token: first.next_page_token, ..all };
    let rest = shop.public_catalog().search_items(rest).await.unwrap().into_inner().items;
    let rest: Vec<_> = rest.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(rest, ["one more", "one", "three"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let shop = Shop::open().await;
    let customer = &customers(&shop, 1)[0];
    let request = api::HeartItemRequest { request_id: "1".into(), item_id: String::new() };
    let refused = shop.catalog(customer).heart_item(request).await.unwrap_err();
    assert_eq!(crate::bad_input::fields(&refused), ["request_id", "item_id"]);
    let request = api::UnheartItemRequest { request_id: new_id(), item_id: "x".into() };
    let refused = shop.catalog(customer).unheart_item(request).await.unwrap_err();
    assert_eq!(crate::bad_input::fields(&refused), ["item_id"]);
    let list = api::ListHeartedItemsRequest { page_size: -1, page_token: "x".into() };
    let refused = shop.catalog(customer).list_hearted_items(list).await.unwrap_err();
    assert_eq!(crate::bad_input::fields(&refused), ["page_size", "page_token"]);
}
