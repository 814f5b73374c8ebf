use bojagi_kernel::id::StoreId;
use bojagi_store::{Options, Store};
use bojagi_testkit::Rig;

use super::*;
use crate::MIGRATIONS;
use crate::domain::catalogue::CategoryId;

const ORDERS: [ItemOrder; 5] =
    [ItemOrder::Latest, ItemOrder::PriceAscending, ItemOrder::PriceDescending, ItemOrder::Hearts, ItemOrder::Popular];

/// Each order, everywhere, within a category and within a store, from the beginning and from a place on.
#[tokio::test]
async fn every_order_walks_an_index() {
    let rig = Rig::new();
    // SQLite says in words how it reads; the indexes are the same on a server.
    let options = Options::at(rig.folder().join("search.sqlite"));
    let store = Store::open(&options, MIGRATIONS, rig.clock.as_ref()).await.unwrap();
    let won = Money::new(Currency::KRW, 1_000);
    let (created_at, item_id) = (Moment::from_micros(0), ItemId::generate());
    let place = Place { created_at, lowest_price: won, hearts: 3, recently_sold: 3, item_id };
    let (category_id, store_id) = (Some(CategoryId::generate()), Some(StoreId::generate()));
    for order in ORDERS {
        let within = [
            (None, None, "INDEX item_"),
            (category_id, None, "INDEX item_of_category"),
            (None, store_id, "INDEX item_of_store"),
        ];
        for (category_id, store_id, index) in within {
            for after in [None, Some(place)] {
                let (keyword, in_stock) = (String::new(), false);
                let search =
                    ItemSearch { keyword, category_id, store_id, min_price: None, max_price: None, in_stock, order };
                let asked = format!("{search:?} after {after:?}");
                let plan: Result<Vec<(i64, i64, i64, String)>, Error> = store
                    .read(async move |tx: &mut Tx| {
                        let explained = "EXPLAIN QUERY PLAN SELECT item_id FROM item";
                        select(tx, explained, &search, after.as_ref(), 20).await
                    })
                    .await;
                let steps: Vec<_> = plan.unwrap().into_iter().map(|(_, _, _, step)| step).collect();
                assert!(steps.len() == 1 && steps[0].contains(index), "{asked}: {steps:?}");
            }
        }
    }
}
