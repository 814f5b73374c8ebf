//! Facts are forgotten after a week. Nothing else depends on them then, and the books can still be checked.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::order::OrderState;
use bojagi_e2e::{Shop, Wish};
use bojagi_kernel::{Clock, ManualClock, SystemClock};
use bojagi_testkit::eventually;
use rusqlite::Connection;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_has_forgotten_its_facts_goes_on_and_its_books_still_prove_themselves() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(1_000, 10).await;
    let buyer = shop.buyer(50_000).await;
    let wish = Wish { points: 1_000, ..Wish::of(&offer, 1, "") };
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(buyer.place(&wish).await.unwrap().id);
    }
    shop.verify().await;
    let account = buyer.account().clone();
    // Groups that end save how far they have heard, and only what all have heard is forgotten.
    let folder = shop.close().await;

    let clock = Arc::new(ManualClock::at(SystemClock.now() + 8 * DAY));
    let shop = Shop::open_at(folder, clock, |_| ()).await;
    let kept = |context: &str| {
        let store = Connection::open(shop.data().join(format!("{context}.sqlite"))).unwrap();
        store.query_row("SELECT count(*) FROM outbox", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    // The newest fact of each store stays.
    eventually("the facts are forgotten", async || kept("order") == 1 && kept("payment") == 1).await;
    shop.verify().await;

    let buyer = shop.returning(&account);
    buyer.cancel(&orders[0]).await.unwrap();
    buyer.wait_for(&orders[0], OrderState::Cancelled).await;
    assert_eq!(buyer.place(&wish).await.unwrap().state(), OrderState::Confirmed);
    shop.verify().await;
}
