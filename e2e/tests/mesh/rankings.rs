//! What sells is told after the night, and what was cancelled is not among it.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::item::{
    AddWishlistEntryRequest, ItemOrder, ListPopularItemsRequest, ListPopularItemsResponse, ListTrendingItemsRequest,
    ListWishlistEntriesRequest, SearchItemsRequest,
};
use bojagi_api::order::OrderState;
use bojagi_api::policy::Role;
use bojagi_e2e::{Offer, Person, Shop, Wish, won};
use bojagi_kernel::{ManualClock, Moment};
use bojagi_testkit::eventually;
use tempfile::TempDir;
use uuid::Uuid;

async fn bought(buyer: &Person, offer: &Offer, quantity: i64) -> String {
    let points = offer.price * quantity;
    let order = buyer.place(&Wish { points, ..Wish::of(offer, quantity, "") }).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");
    order.id
}

async fn popular(visitor: &Person) -> ListPopularItemsResponse {
    visitor.rankings().list_popular_items(ListPopularItemsRequest::default()).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_is_popular_after_the_night_and_what_was_cancelled_is_not() {
    // Noon in Seoul.
    let noon = Moment::from_micros(1_772_420_400_000_000);
    let clock = Arc::new(ManualClock::at(noon));
    let shop = Shop::open_at(Arc::new(TempDir::new().unwrap()), clock.clone(), |_| ()).await;
    let (_, best) = shop.offer(1_000, 100).await;
    let (_, second) = shop.offer(1_000, 100).await;
    let (_, given_back) = shop.offer(1_000, 100).await;
    let (_, only_wished_for) = shop.offer(1_000, 100).await;
    let buyer = shop.buyer(100_000).await;
    let option_id = only_wished_for.option_id.clone();
    let wish = AddWishlistEntryRequest { request_id: Uuid::now_v7().to_string(), option_id, quantity: 50 };
    buyer.wishes().add_wishlist_entry(wish).await.unwrap();
    bought(&buyer, &second, 2).await;
    bought(&buyer, &best, 1).await;
    bought(&buyer, &best, 2).await;
    let cancelled = bought(&buyer, &given_back, 9).await;
    buyer.cancel(&cancelled).await.unwrap();
    buyer.wait_for(&cancelled, OrderState::Cancelled).await;
    shop.verify().await;

    let visitor = shop.person(&[]);
    eventually("a first ranking", async || popular(&visitor).await.last_day == "2026-03-01").await;
    assert_eq!(popular(&visitor).await.popular_items, []);
    // One in the night, thirteen hours later.
    clock.advance(Duration::from_secs(13 * 3600));
    let visitor = shop.person(&[Role::Customer]);
    eventually("the night's ranking", async || popular(&visitor).await.last_day == "2026-03-02").await;
    let answer = popular(&visitor).await;
    let sold: Vec<_> = answer
        .popular_items
        .iter()
        .map(|popular| (popular.item.as_ref().unwrap().item_id.clone(), popular.sold_quantity))
        .collect();
    assert_eq!(sold, [(best.item_id.clone(), 3), (second.item_id.clone(), 2)]);
    assert_eq!(answer.first_day, "2026-02-28");

    let search = SearchItemsRequest { order: ItemOrder::Popular.into(), ..Default::default() };
    let found = visitor.catalogue().search_items(search).await.unwrap().into_inner().items;
    assert_eq!(found.len(), 4);
    assert_eq!([&found[0].item_id, &found[1].item_id], [&best.item_id, &second.item_id]);
    let trending = async || {
        let request = ListTrendingItemsRequest::default();
        visitor.rankings().list_trending_items(request).await.unwrap().into_inner().trending_items
    };
    eventually("what trends", async || trending().await.len() == 2).await;
    assert_eq!(trending().await[0].item.as_ref().unwrap().item_id, best.item_id);

    let buyer = shop.returning(buyer.account());
    let wishes = buyer.wishes().list_wishlist_entries(ListWishlistEntriesRequest::default()).await.unwrap();
    assert_eq!(wishes.into_inner().totals, [won(50_000)]);
    shop.verify().await;
}
