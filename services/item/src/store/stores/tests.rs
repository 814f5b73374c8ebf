use bojagi_kernel::ManualClock;
use bojagi_testkit::Explain;

use super::*;
use crate::MIGRATIONS;

const NOW: Moment = Moment::from_micros(1_772_420_400_000_000);

#[tokio::test]
async fn every_order_walks_an_index() {
    // SQLite says in words how it reads, of tables without rows too; the indexes are the same on a server.
    let place = bojagi_testkit::Place::in_files();
    let options = place.store("item");
    let store = bojagi_store::Store::open(&options, MIGRATIONS, &ManualClock::at(NOW)).await.unwrap();
    let explain = Explain::on(&store);
    let place = Place { name_key: "kiln".into(), created_at: NOW, followers: 3, store_id: StoreId::generate() };
    let orders = [
        (StoreOrder::Name, "store_name_key"),
        (StoreOrder::Newest, "store_newest"),
        (StoreOrder::Followers, "store_by_followers"),
    ];
    for (order, index) in orders {
        for after in [None, Some(place.clone())] {
            let search = StoreSearch { keyword: String::new(), seller_id: None, order };
            let asked = async move |tx: &mut Tx| {
                let (sql, values) = search_statement(&search, "", after.as_ref(), 20);
                explain.plan(tx, &sql, &values).await
            };
            let plan: Result<String, Error> = store.read(asked).await;
            let plan = plan.unwrap();
            // Names are unique, so what they are sorted by is as good as their index.
            let is_walked = plan.contains(index) && (order == StoreOrder::Name || !plan.contains("TEMP B-TREE"));
            assert!(is_walked, "{order:?}:\n{plan}");
        }
    }
}
