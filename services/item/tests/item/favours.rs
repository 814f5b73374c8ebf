//! Follows, and what becomes of hearts and follows when whoever gave them goes, or what they were given to.

use std::time::Duration;

use bojagi_api::item as api;
use bojagi_api::user::{AccountClosed, AccountKind};
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::{TestAccount, eventually, reason};
use futures::future::join_all;
use tonic::{Code, Status};

use crate::hearts::{customers, heart, hearted, hearts};
use crate::shop::{Shop, draft, new_id};

/// How many rows a table of hearts or follows has.
pub(crate) async fn favours(shop: &Shop, table: &'static str) -> i64 {
    let counted: Result<(i64,), Error> = shop
        .rig
        .store("item")
        .read(async move |tx: &mut Tx| tx.fetch_one(&format!("SELECT count(*) FROM {table}"), &[]).await)
        .await;
    counted.unwrap().0
}

/// Whether each item and store counts the rows that are about it.
pub(crate) async fn numbers_are_right(shop: &Shop) -> bool {
    let wrong: Result<Vec<(Uuid, i64)>, Error> = shop
        .rig
        .store("item")
        .read(async |tx: &mut Tx| {
            tx.fetch_all(
                "SELECT item_id, hearts FROM item i
                 WHERE hearts <> (SELECT count(*) FROM heart h WHERE h.item_id = i.item_id)
                 UNION ALL SELECT store_id, followers FROM store s
                 WHERE followers <> (SELECT count(*) FROM follow f WHERE f.store_id = s.store_id)",
                &[],
            )
            .await
        })
        .await;
    wrong.unwrap().is_empty()
}

async fn follow(shop: &Shop, customer: &TestAccount, store_id: &str) -> Result<i64, Status> {
    let request = api::FollowStoreRequest { request_id: new_id(), store_id: store_id.into() };
    Ok(shop.stores(customer).follow_store(request).await?.into_inner().followers)
}

async fn unfollow(shop: &Shop, customer: &TestAccount, store_id: &str) -> Result<i64, Status> {
    let request = api::UnfollowStoreRequest { request_id: new_id(), store_id: store_id.into() };
    Ok(shop.stores(customer).unfollow_store(request).await?.into_inner().followers)
}

async fn followers(shop: &Shop, store_id: &str) -> i64 {
    let get = api::GetStoreRequest { store_id: store_id.into() };
    shop.stores(&shop.seller).get_store(get).await.unwrap().into_inner().store.unwrap().followers
}

/// The names of the stores that a customer follows, of all pages.
async fn followed(shop: &Shop, customer: &TestAccount) -> Vec<String> {
    let mut list = api::ListFollowedStoresRequest { page_size: 2, page_token: String::new() };
    let mut names = Vec::new();
    loop {
        let page = shop.stores(customer).list_followed_stores(list.clone()).await.unwrap().into_inner();
        assert!(page.followed_stores.iter().all(|followed| followed.followed_at.is_some()));
        names.extend(page.followed_stores.into_iter().map(|followed| followed.store.unwrap().name));
        if page.next_page_token.is_empty() {
            return names;
        }
        list.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn a_customer_follows_a_store_once() {
    let shop = Shop::open().await;
    let customers = customers(&shop, 2);
    let (one, other) = (&customers[0], &customers[1]);
    assert_eq!(follow(&shop, one, &shop.store_id).await.unwrap(), 1);
    assert_eq!(follow(&shop, one, &shop.store_id).await.unwrap(), 1);
    assert_eq!(follow(&shop, other, &shop.store_id).await.unwrap(), 2);
    assert_eq!(followers(&shop, &shop.store_id).await, 2);
    assert_eq!(unfollow(&shop, one, &shop.store_id).await.unwrap(), 1);
    assert_eq!(unfollow(&shop, one, &shop.store_id).await.unwrap(), 1);
    let nowhere = follow(&shop, one, &new_id()).await.unwrap_err();
    assert_eq!((nowhere.code(), reason(&nowhere).as_str()), (Code::NotFound, "STORE_NOT_FOUND"));
    assert!(shop.told::<api::StoreUpdated>(&shop.store_id).await.is_empty(), "follows are told to nobody");
    assert!(numbers_are_right(&shop).await);
}

#[tokio::test]
async fn followed_stores_are_listed_and_stores_by_their_followers() {
    let shop = Shop::open().await;
    let customers = customers(&shop, 3);
    for (name, number) in [("one", 1), ("three", 3), ("one more", 1), ("two", 2)] {
        let store_id = shop.new_store(name).await.store_id;
        for customer in &customers[..number] {
            follow(&shop, customer, &store_id).await.unwrap();
        }
        shop.rig.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(followed(&shop, &customers[0]).await, ["two", "one more", "three", "one"]);
    assert_eq!(followed(&shop, &customers[2]).await, ["three"]);

    let order = api::StoreOrder::Followers.into();
    let mut search = api::SearchStoresRequest { order, page_size: 2, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = shop.stores(&customers[0]).search_stores(search.clone()).await.unwrap().into_inner();
        found.extend(page.stores.into_iter().map(|store| (store.name, store.followers)));
        if page.next_page_token.is_empty() {
            break;
        }
        search.page_token = page.next_page_token;
    }
    let expected = [("three", 3), ("two", 2), ("one more", 1), ("one", 1), ("The kiln", 0)];
    assert_eq!(found, expected.map(|(name, followers)| (name.to_owned(), followers)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_follows_a_store_that_is_deleted_while_they_come() {
    let shop = Shop::open().await;
    let customers = customers(&shop, 48);
    let shop = &shop;
    let calls = customers.iter().map(async |customer| follow(shop, customer, &shop.store_id).await);
    let deletion = async {
        let delete = api::DeleteStoreRequest { store_id: shop.store_id.clone() };
        shop.stores(&shop.seller).delete_store(delete).await.unwrap();
    };
    let (answers, ()) = tokio::join!(join_all(calls), deletion);
    assert!(
        answers.iter().filter_map(|answer| answer.as_ref().err()).all(|status| reason(status) == "STORE_NOT_FOUND")
    );
    for customer in &customers {
        assert_eq!(followed(shop, customer).await, [""; 0]);
    }
    eventually("all follows are taken back", async || favours(shop, "follow").await == 0).await;
    assert!(numbers_are_right(shop).await);
    let late = unfollow(shop, &customers[0], &shop.store_id).await.unwrap_err();
    assert_eq!(reason(&late), "STORE_NOT_FOUND");
}

/// Lets as many follow a store as a shop of years has followers.
async fn let_follow(shop: &Shop, store_id: &str, count: i64) {
    let store_id: Uuid = store_id.parse().unwrap();
    let now = bojagi_kernel::Clock::now(shop.rig.clock.as_ref());
    let unit = async move |tx: &mut Tx| {
        for _ in 0..count {
            let sql = "INSERT INTO follow (store_id, customer_id, given_at) VALUES (?1, ?2, ?3)";
            tx.send(sql, params![store_id, Uuid::now_v7(), now]).await?;
        }
        tx.send("UPDATE store SET followers = ?2 WHERE store_id = ?1", params![store_id, count]).await
    };
    shop.rig.store("item").write(unit).await.unwrap();
}

#[tokio::test]
async fn hearts_and_follows_of_what_is_deleted_go_however_many_they_are() {
    let shop = Shop::open().await;
    let item = shop.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let (other_store, customer) = (shop.new_store("Glaze").await, &customers(&shop, 1)[0]);
    heart(&shop, customer, &item.item_id).await.unwrap();
    follow(&shop, customer, &other_store.store_id).await.unwrap();
    // Several portions, the last of them not full.
    let_follow(&shop, &shop.store_id, 250).await;
    assert_eq!(followers(&shop, &shop.store_id).await, 250);
    let delete = api::DeleteStoreRequest { store_id: shop.store_id.clone() };
    shop.stores(&shop.seller).delete_store(delete).await.unwrap();
    assert!(hearted(&shop, customer).await.is_empty());
    eventually("all of them are taken back but those of what lives", async || {
        (favours(&shop, "heart").await, favours(&shop, "follow").await) == (0, 1)
    })
    .await;
    assert!(numbers_are_right(&shop).await);
    assert_eq!(followed(&shop, customer).await, ["Glaze"]);
}

async fn close(shop: &Shop, customer: &TestAccount, kind: AccountKind) {
    let closed = AccountClosed { account_id: customer.account_id.to_string(), kind: kind.into() };
    shop.users.tell(customer.account_id.into(), &closed).await;
}

#[tokio::test]
async fn what_a_closed_account_has_given_goes_and_the_counters_with_it() {
    let shop = Shop::open().await;
    let customers = customers(&shop, 2);
    let (leaving, staying) = (&customers[0], &customers[1]);
    let mut items = Vec::new();
    // More than one portion.
    for number in 0..104 {
        let item = shop.new_item(&format!("Mug {number}"), vec![draft("red", 5_000, 10)]).await;
        heart(&shop, leaving, &item.item_id).await.unwrap();
        items.push(item.item_id);
    }
    heart(&shop, staying, &items[0]).await.unwrap();
    for customer in [leaving, staying] {
        follow(&shop, customer, &shop.store_id).await.unwrap();
    }
    close(&shop, leaving, AccountKind::Customer).await;
    eventually("it is taken back", async || (favours(&shop, "heart").await, favours(&shop, "follow").await) == (1, 1))
        .await;
    assert_eq!((hearts(&shop, &items[0]).await, hearts(&shop, &items[103]).await), (1, 0));
    assert_eq!(followers(&shop, &shop.store_id).await, 1);
    assert!(numbers_are_right(&shop).await);

    // Its token is still good as far as the guard here knows.
    for refused in [heart(&shop, leaving, &items[1]).await, follow(&shop, leaving, &shop.store_id).await] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "TOKEN_REVOKED"));
    }
    assert_eq!(heart(&shop, staying, &items[1]).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_take_back_what_customers_leave_while_they_still_give() {
    let one = Shop::open().await;
    let other = one.beside(bojagi_item::Config::default()).await;
    let item = one.new_item("Mug", vec![draft("red", 5_000, 10)]).await;
    let customers = customers(&one, 32);
    let (one, other) = (&one, &other);
    let calls = customers.iter().enumerate().map(async |(number, customer)| {
        let shop = if number % 2 == 0 { one } else { other };
        let (given, followed, ()) = tokio::join!(
            heart(shop, customer, &item.item_id),
            follow(shop, customer, &one.store_id),
            close(one, customer, AccountKind::Customer)
        );
        for refused in [given, followed].into_iter().filter_map(Result::err) {
            assert_eq!(reason(&refused), "TOKEN_REVOKED");
        }
    });
    join_all(calls).await;
    eventually("nothing is left", async || {
        (favours(one, "heart").await, favours(one, "follow").await, favours(one, "closed_customer").await) == (0, 0, 32)
    })
    .await;
    assert!(numbers_are_right(other).await);
    assert_eq!((hearts(one, &item.item_id).await, followers(one, &one.store_id).await), (0, 0));
}
