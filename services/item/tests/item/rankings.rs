//! What is popular and what trends, as the clock goes on.

use std::time::Duration;

use bojagi_api::item as api;
use bojagi_api::item::ranking_service_client::RankingServiceClient;
use bojagi_api::order::{RefundApproved, RefundFactLine};
use bojagi_item::Config;
use bojagi_kernel::{Clock, Moment};
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::{AccountChannel, eventually};
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, kept, line, new_id, order, won};

/// One in the night of a day in Seoul: the rig's clock stands at noon of the 2nd of March.
fn one_in_the_night_of(day_of_march: u8) -> Moment {
    format!("2026-03-{:02}T16:00:00Z", day_of_march - 1).parse().unwrap()
}

/// Midnight at the beginning of a day in Seoul.
fn midnight_of(day_of_march: u8) -> Moment {
    format!("2026-03-{:02}T15:00:00Z", day_of_march - 1).parse().unwrap()
}

fn rankings(shop: &Shop) -> RankingServiceClient<AccountChannel> {
    RankingServiceClient::new(shop.rig.anonymous())
}

async fn popular(shop: &Shop, period_days: i32) -> api::ListPopularItemsResponse {
    let request = api::ListPopularItemsRequest { period_days, limit: 50 };
    rankings(shop).list_popular_items(request).await.unwrap().into_inner()
}

/// What is popular once it is known of all days until this one.
async fn popular_until(shop: &Shop, last_day: &str, period_days: i32) -> Vec<(String, i64)> {
    eventually("it is computed", async || popular(shop, period_days).await.last_day == last_day).await;
    let popular = popular(shop, period_days).await.popular_items;
    popular.into_iter().map(|popular| (popular.item.unwrap().name, popular.sold_quantity)).collect()
}

async fn trending(shop: &Shop, until: Moment) -> Vec<(String, i64)> {
    let request = api::ListTrendingItemsRequest { limit: 50 };
    let list = async || rankings(shop).list_trending_items(request).await.unwrap().into_inner();
    let seconds = until.seconds();
    let is_computed = async || list().await.sold_until.is_some_and(|until| until.seconds == seconds);
    eventually("it is computed", is_computed).await;
    let trending = list().await.trending_items;
    trending.into_iter().map(|trending| (trending.item.unwrap().name, trending.score)).collect()
}

async fn found(shop: &Shop, search: api::SearchItemsRequest) -> Vec<String> {
    let mut search = api::SearchItemsRequest { order: api::ItemOrder::Popular.into(), page_size: 2, ..search };
    let mut names = Vec::new();
    loop {
        let page = shop.public_catalog().search_items(search.clone()).await.unwrap().into_inner();
        names.extend(page.items.into_iter().map(|item| item.name));
        if page.next_page_token.is_empty() {
            return names;
        }
        search.page_token = page.next_page_token;
    }
}

/// An item whose options are named red and blue.
async fn item(shop: &Shop, name: &str) -> api::Item {
    shop.new_item(name, vec![draft("red", 5_000, 1_000), draft("blue", 6_000, 1_000)]).await
}

/// An order that holds pieces.
async fn reserved(shop: &Shop, lines: Vec<api::ReserveStockLine>) -> api::ReserveStockRequest {
    let asked = order(lines);
    shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    asked
}

/// An order that has bought pieces of the red option.
async fn bought(shop: &Shop, item: &api::Item, quantity: i64) -> api::ReserveStockRequest {
    let asked = reserved(shop, vec![line(&item.options[0], quantity)]).await;
    shop.confirm(&asked).await;
    shop.sold(&asked).await;
    asked
}

async fn cancelled(shop: &Shop, asked: &api::ReserveStockRequest) {
    shop.cancel(asked).await;
    shop.released(asked).await;
}

fn named<const COUNT: usize>(expected: [(&str, i64); COUNT]) -> Vec<(String, i64)> {
    expected.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}

#[tokio::test]
async fn what_sold_best_until_yesterday_is_named_after_one_in_the_night() {
    let shop = Shop::open().await;
    let mut items = Vec::new();
    for name in ["Mug", "Bowl", "Plate", "Vase", "Jar"] {
        items.push(item(&shop, name).await);
    }
    let [mug, bowl, plate, vase, jar] = items.as_slice() else { panic!("there are five") };
    // Two lines of one order, and its confirmation comes twice.
    let two_colours = reserved(&shop, vec![line(&mug.options[0], 2), line(&mug.options[1], 1)]).await;
    shop.confirm(&two_colours).await;
    shop.confirm(&two_colours).await;
    shop.sold(&two_colours).await;
    bought(&shop, mug, 2).await;
    bought(&shop, bowl, 3).await;
    let to_cancel = bought(&shop, bowl, 40).await;
    bought(&shop, plate, 5).await;
    let failed = reserved(&shop, vec![line(&vase.options[0], 90)]).await;
    reserved(&shop, vec![line(&vase.options[0], 80)]).await;
    let both = reserved(&shop, vec![line(&jar.options[0], 70)]).await;
    shop.confirm(&both).await;
    cancelled(&shop, &both).await;
    shop.fail(&failed).await;
    shop.released(&failed).await;
    cancelled(&shop, &to_cancel).await;
    shop.cancel(&to_cancel).await;

    // What was sold today does not count yet.
    assert_eq!(popular_until(&shop, "2026-03-01", 0).await, []);
    shop.rig.clock.set(one_in_the_night_of(3));
    // Mugs and plates are as many: the mug was there first, and so is its id.
    assert_eq!(popular_until(&shop, "2026-03-02", 0).await, named([("Mug", 5), ("Plate", 5), ("Bowl", 3)]));
    let answer = popular(&shop, 0).await;
    assert_eq!((answer.first_day.as_str(), answer.last_day.as_str()), ("2026-02-28", "2026-03-02"));
    assert_eq!(answer.computed_at.unwrap().seconds, one_in_the_night_of(3).seconds());
    let first = api::ListPopularItemsRequest { limit: 1, ..Default::default() };
    let first = rankings(&shop).list_popular_items(first).await.unwrap().into_inner().popular_items;
    assert_eq!(first[0].item.as_ref().unwrap().item_id, mug.item_id);
    assert_eq!(first.len(), 1);

    // A cancellation counts from the next night on, whenever the pieces were sold.
    cancelled(&shop, &two_colours).await;
    assert_eq!(popular_until(&shop, "2026-03-02", 0).await[0], ("Mug".to_owned(), 5));
    shop.rig.clock.set(one_in_the_night_of(4));
    assert_eq!(popular_until(&shop, "2026-03-03", 0).await, named([("Plate", 5), ("Bowl", 3), ("Mug", 2)]));
    assert_eq!(popular_until(&shop, "2026-03-03", 1).await, []);
    // After three days it is forgotten, but for those who look further back.
    shop.rig.clock.set(one_in_the_night_of(6));
    assert_eq!(popular_until(&shop, "2026-03-05", 3).await, []);
    assert_eq!(popular_until(&shop, "2026-03-05", 4).await, named([("Plate", 5), ("Bowl", 3), ("Mug", 2)]));
}

#[tokio::test]
async fn what_was_paid_back_counts_no_more_whether_it_came_back_to_the_shelf_or_not() {
    let shop = Shop::open().await;
    let (mug, bowl, jar) = (item(&shop, "Mug").await, item(&shop, "Bowl").await, item(&shop, "Jar").await);
    let mugs = bought(&shop, &mug, 5).await;
    let bowls = bought(&shop, &bowl, 4).await;
    let jars = bought(&shop, &jar, 2).await;
    for (asked, quantity, restock) in [(&bowls, 2, false), (&bowls, 1, true), (&jars, 2, true), (&mugs, 2, true)] {
        let line = RefundFactLine {
            order_line_id: asked.lines[0].order_line_id.clone(),
            option_id: asked.lines[0].option_id.clone(),
            quantity,
            ..Default::default()
        };
        let (order_id, refund_id) = (asked.order_id.clone(), new_id());
        let fact = RefundApproved { order_id, refund_id, lines: vec![line], restock, ..Default::default() };
        // Told as a new fact each time, so that no inbox knows the second.
        for _ in 0..2 {
            shop.orders.tell(asked.order_id.parse().unwrap(), &fact).await;
        }
    }
    for (asked, sold) in [(&mugs, 3), (&jars, 0), (&bowls, 3)] {
        let option_id = &asked.lines[0].option_id;
        eventually("it is back", async || shop.counts(option_id).await.2 == sold).await;
    }
    shop.rig.clock.set(one_in_the_night_of(3));
    assert_eq!(popular_until(&shop, "2026-03-02", 0).await, named([("Mug", 3), ("Bowl", 1)]));
}

#[tokio::test]
async fn a_day_ends_at_midnight_in_the_shop() {
    let shop = Shop::open().await;
    let (before, after) = (item(&shop, "before").await, item(&shop, "after").await);
    shop.rig.clock.set(midnight_of(3) - Duration::from_micros(1));
    bought(&shop, &before, 1).await;
    shop.rig.clock.set(midnight_of(3));
    bought(&shop, &after, 9).await;
    shop.rig.clock.set(one_in_the_night_of(3));
    assert_eq!(popular_until(&shop, "2026-03-02", 30).await, named([("before", 1)]));
    shop.rig.clock.set(one_in_the_night_of(4));
    assert_eq!(popular_until(&shop, "2026-03-03", 1).await, named([("after", 9)]));
    assert_eq!(popular_until(&shop, "2026-03-03", 2).await, named([("after", 9), ("before", 1)]));
    assert_eq!(popular(&shop, 1).await.first_day, "2026-03-03");
    assert_eq!(popular(&shop, 30).await.first_day, "2026-02-02");
}

#[tokio::test]
async fn a_night_that_was_slept_through_is_caught_up_and_two_processes_compute_once() {
    let shop = Shop::open().await;
    let beside = shop.beside(Config::default()).await;
    // Never computed before, it is at once.
    popular_until(&beside, "2026-03-01", 0).await;
    let mug = item(&shop, "Mug").await;
    bought(&shop, &mug, 2).await;
    // Later than due: after breakfast on the day after the next.
    shop.rig.clock.set(one_in_the_night_of(4) + Duration::from_secs(7 * 3600));
    assert_eq!(popular_until(&beside, "2026-03-03", 2).await, named([("Mug", 2)]));
    assert_eq!(popular(&shop, 2).await.computed_at.unwrap().seconds, shop.rig.clock.now().seconds());
    shop.rig.clock.set(one_in_the_night_of(5));
    assert_eq!(popular_until(&shop, "2026-03-04", 3).await, named([("Mug", 2)]));

    let unit = async |tx: &mut Tx| tx.fetch_one("SELECT epoch FROM ranking WHERE kind = ?1", params!["POPULAR"]).await;
    let begun: Result<(i64,), Error> = shop.rig.store("item").read(unit).await;
    assert_eq!(begun.unwrap(), (3,), "at the start, on the 4th, on the 5th");
}

#[tokio::test]
async fn a_restart_finds_what_was_computed_and_what_was_sold() {
    let shop = Shop::open().await;
    let mug = item(&shop, "Mug").await;
    bought(&shop, &mug, 2).await;
    let shop = shop.crash().await;
    shop.rig.clock.set(one_in_the_night_of(3));
    assert_eq!(popular_until(&shop, "2026-03-02", 0).await, named([("Mug", 2)]));
    let shop = shop.crash().await;
    assert_eq!(popular(&shop, 0).await.popular_items.len(), 1, "it is there before anything is computed again");
}

#[tokio::test]
async fn what_is_deleted_makes_room_for_the_next() {
    let shop = Shop::open().await;
    for (number, name) in ["A", "B", "C", "D"].into_iter().enumerate() {
        let item = item(&shop, name).await;
        bought(&shop, &item, 10 - i64::try_from(number).unwrap()).await;
        if name == "D" {
            let delete = api::DeleteItemRequest { item_id: item.item_id };
            shop.catalog(&shop.seller).delete_item(delete).await.unwrap();
        }
    }
    shop.rig.clock.set(one_in_the_night_of(3));
    assert_eq!(popular_until(&shop, "2026-03-02", 0).await, named([("A", 10), ("B", 9), ("C", 8)]));
    let best = popular(&shop, 0).await.popular_items.remove(0).item.unwrap();
    let delete = api::DeleteItemRequest { item_id: best.item_id };
    shop.catalog(&shop.seller).delete_item(delete).await.unwrap();
    assert_eq!(popular_until(&shop, "2026-03-02", 0).await, named([("B", 9), ("C", 8)]));
    let two = api::ListPopularItemsRequest { limit: 2, ..Default::default() };
    assert_eq!(rankings(&shop).list_popular_items(two).await.unwrap().into_inner().popular_items.len(), 2);
}

#[tokio::test]
async fn searches_go_by_what_sold_and_the_rest_comes_last() {
    let shop = Shop::open().await;
    let mut items = Vec::new();
    for name in ["A", "B", "C", "D", "E"] {
        items.push(item(&shop, name).await);
    }
    let glass = shop.new_category("Glass").await;
    let elsewhere = api::CreateItemRequest {
        category_id: glass.category_id.clone(),
        store_id: shop.new_store("Glaze").await.store_id,
        ..shop.item_request("F", vec![draft("red", 5_000, 1_000)])
    };
    items.push(shop.catalog(&shop.seller).create_item(elsewhere).await.unwrap().into_inner().item.unwrap());
    let by_sales = api::SearchItemsRequest::default;
    assert_eq!(found(&shop, by_sales()).await, ["F", "E", "D", "C", "B", "A"], "nothing sold yet: the newest first");
    let sold = [(1, 5), (3, 5), (0, 2), (5, 9)];
    let mut orders = Vec::new();
    for (index, quantity) in sold {
        orders.push(bought(&shop, &items[index], quantity).await);
    }
    shop.rig.clock.set(one_in_the_night_of(3));
    popular_until(&shop, "2026-03-02", 0).await;
    assert_eq!(found(&shop, by_sales()).await, ["F", "D", "B", "A", "E", "C"]);
    let in_store = api::SearchItemsRequest { store_id: shop.store_id.clone(), ..by_sales() };
    assert_eq!(found(&shop, in_store).await, ["D", "B", "A", "E", "C"]);
    let in_category = api::SearchItemsRequest { category_id: glass.category_id, ..by_sales() };
    assert_eq!(found(&shop, in_category).await, ["F"]);

    // What changes goes up and down, and what sold long ago is last again.
    cancelled(&shop, &orders[1]).await;
    bought(&shop, &items[4], 6).await;
    shop.rig.clock.set(one_in_the_night_of(4));
    popular_until(&shop, "2026-03-03", 0).await;
    assert_eq!(found(&shop, by_sales()).await, ["F", "E", "B", "A", "D", "C"]);
    shop.rig.clock.set(one_in_the_night_of(9));
    popular_until(&shop, "2026-03-08", 0).await;
    assert_eq!(found(&shop, by_sales()).await, ["F", "E", "D", "C", "B", "A"]);
}

#[tokio::test]
async fn pages_by_what_sold_neither_repeat_nor_skip_what_stays() {
    let shop = Shop::open().await;
    let mut stays = Vec::new();
    for number in 0..9 {
        let item = item(&shop, &format!("Mug {number}")).await;
        if number % 2 == 0 {
            bought(&shop, &item, 1 + number % 3).await;
        }
        stays.push(item);
    }
    shop.rig.clock.set(one_in_the_night_of(3));
    popular_until(&shop, "2026-03-02", 0).await;
    let mut search =
        api::SearchItemsRequest { order: api::ItemOrder::Popular.into(), page_size: 2, ..Default::default() };
    let changing = stays.remove(4);
    let mut seen = Vec::new();
    loop {
        let page = shop.public_catalog().search_items(search.clone()).await.unwrap().into_inner();
        seen.extend(page.items.into_iter().map(|item| item.item_id));
        if page.next_page_token.is_empty() {
            break;
        }
        search.page_token = page.next_page_token;
        // Others come meanwhile, and sell, and change their price.
        item(&shop, &new_id()).await;
        bought(&shop, &changing, 1).await;
        let dearer = api::OptionDraft { price: Some(won(9_000)), ..kept(&changing.options[1]) };
        shop.update_options(&changing, vec![kept(&changing.options[0]), dearer]).await;
    }
    for item in stays {
        assert_eq!(seen.iter().filter(|item_id| **item_id == item.item_id).count(), 1, "{}", item.name);
    }
}

#[tokio::test]
async fn what_trends_decays_by_the_hour_and_forgets_what_was_cancelled() {
    const HOUR: Duration = Duration::from_secs(3600);
    let shop = Shop::open().await;
    let noon = shop.rig.clock.now();
    assert_eq!(trending(&shop, noon).await, []);
    let (mug, bowl, jar) = (item(&shop, "Mug").await, item(&shop, "Bowl").await, item(&shop, "Jar").await);
    bought(&shop, &mug, 10).await;
    let to_cancel = bought(&shop, &jar, 100).await;
    assert_eq!(trending(&shop, noon).await, [], "the hour has not ended");
    shop.rig.clock.set(noon + HOUR);
    assert_eq!(trending(&shop, noon + HOUR).await, named([("Jar", 100_000_000), ("Mug", 10_000_000)]));
    bought(&shop, &bowl, 9).await;
    cancelled(&shop, &to_cancel).await;
    // The tenth mug has lost what makes nine bowls as much; the mug was there first.
    shop.rig.clock.set(noon + 2 * HOUR + HOUR / 2);
    assert_eq!(trending(&shop, noon + 2 * HOUR).await, named([("Mug", 9_000_000), ("Bowl", 9_000_000)]));
    bought(&shop, &bowl, 1).await;
    shop.rig.clock.set(noon + 3 * HOUR);
    assert_eq!(trending(&shop, noon + 3 * HOUR).await, named([("Bowl", 9_100_000), ("Mug", 8_100_000)]));
    shop.rig.clock.set(noon + 80 * HOUR);
    assert_eq!(trending(&shop, noon + 80 * HOUR).await, []);
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_by_its_field() {
    let shop = Shop::open().await;
    for (period_days, limit, fields) in [
        (31, 0, vec!["period_days"]),
        (-1, 51, vec!["period_days", "limit"]),
        (30, -1, vec!["limit"]),
        (i32::MAX, i32::MIN, vec!["period_days", "limit"]),
    ] {
        let request = api::ListPopularItemsRequest { period_days, limit };
        let refused = rankings(&shop).list_popular_items(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations.iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>(), fields);
    }
    let request = api::ListTrendingItemsRequest { limit: 51 };
    assert_eq!(rankings(&shop).list_trending_items(request).await.unwrap_err().code(), Code::InvalidArgument);
    let most = api::ListPopularItemsRequest { period_days: 30, limit: 50 };
    assert!(rankings(&shop).list_popular_items(most).await.is_ok());
}
