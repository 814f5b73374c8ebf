//! Hearts and follows of many at once: their numbers are those of the people who have given one.

use std::collections::BTreeSet;

use bojagi_api::item::{
    DeleteStoreRequest, GetItemRequest, GetStoreRequest, HeartItemRequest, ListFollowedStoresRequest,
    ListHeartedItemsRequest,
};
use bojagi_api::policy::Role;
use bojagi_e2e::{Offer, Person, Shop};
use bojagi_testkit::reason;
use futures::future::join_all;
use uuid::Uuid;

/// Customers who come at once.
const CUSTOMERS: usize = 64;

async fn hearts_of(person: &Person, offer: &Offer) -> i64 {
    let request = GetItemRequest { item_id: offer.item_id.clone() };
    person.catalogue().get_item(request).await.unwrap().into_inner().item.unwrap().hearts
}

async fn followers_of(person: &Person, offer: &Offer) -> i64 {
    let request = GetStoreRequest { store_id: offer.store_id.clone() };
    person.stores().get_store(request).await.unwrap().into_inner().store.unwrap().followers
}

/// The ids of the items with somebody's heart.
async fn hearted(person: &Person) -> BTreeSet<String> {
    let request = ListHeartedItemsRequest { page_size: 100, ..Default::default() };
    let listed = person.catalogue().list_hearted_items(request).await.unwrap().into_inner().hearted_items;
    listed.into_iter().map(|hearted| hearted.item.unwrap().item_id).collect()
}

/// The ids of the stores that somebody follows.
async fn followed(person: &Person) -> BTreeSet<String> {
    let request = ListFollowedStoresRequest { page_size: 100, ..Default::default() };
    let listed = person.stores().list_followed_stores(request).await.unwrap().into_inner().followed_stores;
    listed.into_iter().map(|followed| followed.store.unwrap().store_id).collect()
}

/// Each customer gives and takes back at the same moment, and sends a request twice; nobody knows in which order that is done, but what
/// a customer is shown afterwards is what counts.
#[tokio::test(flavor = "multi_thread")]
async fn n1_the_numbers_are_those_of_the_people() {
    let shop = Shop::open().await;
    let mut offers = Vec::new();
    for _ in 0..3 {
        offers.push(shop.offer(10_000, 10).await.1);
    }
    let customers: Vec<_> = (0..CUSTOMERS).map(|_| shop.person(&[Role::Customer])).collect();
    for round in 0..4 {
        let calls = customers.iter().enumerate().map(async |(number, customer)| {
            let offer = &offers[(number + round) % offers.len()];
            let request = HeartItemRequest { request_id: Uuid::now_v7().to_string(), item_id: offer.item_id.clone() };
            let (mut once, mut again) = (customer.catalogue(), customer.catalogue());
            let (first, second, third, fourth, fifth) = tokio::join!(
                once.heart_item(request.clone()),
                again.heart_item(request.clone()),
                customer.hearts(offer, number % 2 == 0),
                customer.follows(offer, true),
                customer.follows(offer, number % 3 != 0),
            );
            assert_eq!(first.unwrap().into_inner(), second.unwrap().into_inner());
            for number in [third.unwrap(), fourth.unwrap(), fifth.unwrap()] {
                assert!((0..=CUSTOMERS as i64).contains(&number), "{number}");
            }
        });
        join_all(calls).await;
        let moving = shop.check_moving();
        assert!(moving.holds(), "{moving}");
    }
    shop.verify().await;
    for offer in &offers {
        let hearts = join_all(customers.iter().map(hearted)).await;
        let given = hearts.iter().filter(|items| items.contains(&offer.item_id)).count();
        assert_eq!(hearts_of(&customers[0], offer).await, given as i64);
        let follows = join_all(customers.iter().map(followed)).await;
        let following = follows.iter().filter(|stores| stores.contains(&offer.store_id)).count();
        assert_eq!(followers_of(&customers[0], offer).await, following as i64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_a_store_that_goes_while_many_come_keeps_nobody() {
    let shop = Shop::open().await;
    let (seller, offer) = shop.offer(10_000, 10).await;
    let (_, other) = shop.offer(10_000, 10).await;
    let customers: Vec<_> = (0..CUSTOMERS).map(|_| shop.person(&[Role::Customer])).collect();
    let calls = customers.iter().map(async |customer| {
        customer.follows(&other, true).await.unwrap();
        for refused in [customer.follows(&offer, true).await.err(), customer.hearts(&offer, true).await.err()] {
            let known = ["STORE_NOT_FOUND", "ITEM_NOT_FOUND"];
            assert!(refused.is_none_or(|status| known.contains(&reason(&status).as_str())));
        }
    });
    let deletion = async {
        let request = DeleteStoreRequest { store_id: offer.store_id.clone() };
        seller.stores().delete_store(request).await.unwrap();
    };
    tokio::join!(join_all(calls), deletion);
    for customer in &customers {
        assert!(hearted(customer).await.is_empty());
        assert_eq!(followed(customer).await, BTreeSet::from([other.store_id.clone()]));
    }
    // At rest nothing is left of it, and the number of the other store is right.
    shop.verify().await;
    assert_eq!(followers_of(&seller, &other).await, CUSTOMERS as i64);
}
