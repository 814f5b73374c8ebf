//! How many reservations a second one option takes: through the guard and the handler of `ReserveStock`, into a SQLite
//! file with full durability, outbox included.
//!
//! `cargo bench -p bojagi-item`; the file is in the folder for temporary files (`TMPDIR`).
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bojagi_api::common::Money;
use bojagi_api::item as api;
use bojagi_api::item::catalog_service_client::CatalogServiceClient;
use bojagi_api::item::stock_service_client::StockServiceClient;
use bojagi_api::item::store_service_client::StoreServiceClient;
use bojagi_api::policy::Role;
use bojagi_chassis::Channel;
use bojagi_item::Config;
use bojagi_kernel::reexport::Uuid;
use bojagi_testkit::Rig;

const RESERVATIONS: i64 = 60_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let rig = Rig::new();
    let context = rig.context("item", bojagi_item::MIGRATIONS).await;
    let service = bojagi_item::build(context, rig.channel("item"), Config::default()).await.unwrap();
    rig.start([(service, bojagi_item::TOPIC)]).await;

    println!("{:>9}  {:>14}  {:>8}  {:>8}  {:>8}", "in flight", "reservations/s", "p50", "p99", "p99.9");
    for (in_flight, name) in [(64, "warm-up"), (64, "first"), (256, "second"), (64, "third"), (256, "fourth")] {
        let option = option(&rig, name).await;
        let (seconds, mut latencies) = reserve_all(&rig, &option, in_flight).await;
        if name == "warm-up" {
            continue;
        }
        latencies.sort_unstable();
        println!(
            "{in_flight:>9}  {:>14.0}  {:>8.1?}  {:>8.1?}  {:>8.1?}",
            latencies.len() as f64 / seconds,
            at(&latencies, 0.5),
            at(&latencies, 0.99),
            at(&latencies, 0.999),
        );
        let stock = StockServiceClient::new(rig.anonymous())
            .get_stock(api::GetStockRequest { option_id: option.option_id })
            .await
            .unwrap();
        assert_eq!(stock.into_inner().stock.unwrap().reserved, RESERVATIONS);
    }
}

async fn reserve_all(rig: &Rig, option: &api::Option, in_flight: usize) -> (f64, Vec<Duration>) {
    let left = Arc::new(AtomicI64::new(RESERVATIONS));
    let began = Instant::now();
    let buyers: Vec<_> =
        (0..in_flight).map(|_| tokio::spawn(buy(rig.workload("order"), option.clone(), Arc::clone(&left)))).collect();
    let mut latencies = Vec::with_capacity(RESERVATIONS as usize);
    for buyer in buyers {
        latencies.extend(buyer.await.unwrap());
    }
    (began.elapsed().as_secs_f64(), latencies)
}

/// Reserves one piece after the other until all are reserved.
async fn buy(channel: Channel, option: api::Option, left: Arc<AtomicI64>) -> Vec<Duration> {
    let mut stock = StockServiceClient::new(channel);
    let mut latencies = Vec::new();
    while left.fetch_sub(1, Ordering::Relaxed) > 0 {
        let line = api::ReserveStockLine {
            order_line_id: Uuid::now_v7().to_string(),
            option_id: option.option_id.clone(),
            quantity: 1,
            expected_unit_price: option.price.clone(),
        };
        let asked = api::ReserveStockRequest {
            order_id: Uuid::now_v7().to_string(),
            customer_id: Uuid::now_v7().to_string(),
            lines: vec![line],
        };
        let asked_at = Instant::now();
        stock.reserve_stock(asked).await.unwrap();
        latencies.push(asked_at.elapsed());
    }
    latencies
}

fn at(sorted: &[Duration], part: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

/// An option with exactly as many pieces as are going to be reserved.
async fn option(rig: &Rig, name: &str) -> api::Option {
    let (seller, admin) = (rig.account(&[Role::Seller]), rig.account(&[Role::Admin]));
    let request_id = || Uuid::now_v7().to_string();
    let (name, description) = (name.to_owned(), String::new());
    let store = api::CreateStoreRequest { request_id: request_id(), name: name.clone(), description };
    let store = StoreServiceClient::new(rig.calling_as(&seller)).create_store(store).await.unwrap();
    let category = api::CreateCategoryRequest { request_id: request_id(), name: name.clone() };
    let category = CatalogServiceClient::new(rig.calling_as(&admin)).create_category(category).await.unwrap();
    let option = api::OptionDraft {
        name: name.clone(),
        price: Some(Money { currency_code: "KRW".into(), minor_units: 5_000 }),
        stock: RESERVATIONS,
        ..Default::default()
    };
    let item = api::CreateItemRequest {
        request_id: request_id(),
        store_id: store.into_inner().store.unwrap().store_id,
        category_id: category.into_inner().category.unwrap().category_id,
        name,
        options: vec![option],
        ..Default::default()
    };
    let created = CatalogServiceClient::new(rig.calling_as(&seller)).create_item(item).await.unwrap();
    created.into_inner().item.unwrap().options.remove(0)
}
