//! Paid orders a second, to the end: six services in this process, durability on, 1,000 options under Zipf 1.0, orders of
//! one line paid by card. The load is closed-loop in the same process, so it shares the cores; an order counts when its
//! caller has the CONFIRMED answer, and the clock stops when stock, coupons and the ledger have followed. All invariants
//! are checked afterwards.
//!
//! `cargo bench -p bojagi-bench --bench orders -- [SECONDS [IN_FLIGHT…]] [telemetry=RATIO]`; with numbers in flight, only those,
//! in the process; with a ratio, this part of the traces is exported to a collector in the same process, which takes its share
//! of the cores too.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark fails by panicking")]

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bojagi_api::item::{CreateItemRequest, GetItemRequest, OptionDraft};
use bojagi_api::order::OrderState;
use bojagi_api::order::order_service_client::OrderServiceClient;
use bojagi_api::policy::Role;
use bojagi_e2e::{Offer, Person, Shop, Wish, won};
use bojagi_telemetry::metrics::Metrics;
use bojagi_telemetry::otlp::{self, Export, OtlpConfig, Process};
use bojagi_testkit::Collector;
use futures::StreamExt;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use uuid::Uuid;

const OPTIONS: usize = 1_000;
const OPTIONS_AN_ITEM: usize = 20;
const CUSTOMERS: usize = 256;

/// Seconds of processor time that this process has used.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // utime and stime, in ticks of 10 ms.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn resident_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

async fn options(shop: &Shop) -> Vec<Offer> {
    let (seller, first) = shop.offer(1_000, 1).await;
    let request = GetItemRequest { item_id: first.item_id.clone() };
    let category_id = seller.catalogue().get_item(request).await.unwrap().into_inner().item.unwrap().category_id;
    let mut offers = Vec::new();
    for number in 0..OPTIONS / OPTIONS_AN_ITEM {
        let drafts = (0..OPTIONS_AN_ITEM).map(|option| OptionDraft {
            name: format!("option {option}"),
            price: Some(won(1_000)),
            stock: 1_000_000,
            ..Default::default()
        });
        let request = CreateItemRequest {
            request_id: Uuid::now_v7().to_string(),
            store_id: first.store_id.clone(),
            category_id: category_id.clone(),
            name: format!("item {number}"),
            options: drafts.collect(),
            ..Default::default()
        };
        let item = seller.catalogue().create_item(request).await.unwrap().into_inner().item.unwrap();
        offers.extend(item.options.iter().map(|option| Offer {
            option_id: option.option_id.clone(),
            item_id: item.item_id.clone(),
            ..first.clone()
        }));
    }
    offers
}

/// One order, called in this process through the guard.
async fn order(shop: &Shop, customer: &Person, wish: &Wish) -> OrderState {
    let mut request = tonic::Request::new(wish.request());
    let token = format!("Bearer {}", customer.token()).parse().unwrap();
    request.metadata_mut().insert("authorization", token);
    let mut orders = OrderServiceClient::new(shop.mesh().switchboard().entrance());
    orders.place_order(request).await.unwrap().into_inner().order.unwrap().state()
}

async fn measure(
    shop: &Shop,
    customers: &[(Person, String)],
    offers: &[Offer],
    in_flight: usize,
    over_wire: bool,
    length: Duration,
) {
    // Zipf 1.0: the option of rank k is wanted 1/k as often as the first.
    let popularity = WeightedIndex::new((1..=offers.len()).map(|rank| 1.0 / rank as f64)).unwrap();
    let (began, before) = (Instant::now(), processor_seconds());
    let next = AtomicUsize::new(0);
    let mut latencies: Vec<Duration> = futures::stream::repeat_with(|| {
        let (customer, card) = &customers[next.fetch_add(1, Ordering::Relaxed) % customers.len()];
        let wish = Wish::of(&offers[popularity.sample(&mut rand::rng())], 1, card);
        async move {
            let asked = Instant::now();
            let state = if over_wire {
                customer.place(&wish).await.unwrap().state()
            } else {
                order(shop, customer, &wish).await
            };
            assert_eq!(state, OrderState::Confirmed);
            asked.elapsed()
        }
    })
    .take_while(|_| std::future::ready(began.elapsed() < length))
    .buffer_unordered(in_flight)
    .collect()
    .await;
    let answered = began.elapsed();
    let processor = processor_seconds() - before;
    shop.verify().await;
    let ended = began.elapsed();
    latencies.sort_unstable();
    let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize].as_secs_f64() * 1_000.0;
    println!(
        "| {} | {in_flight} | {:.0} | {:.1} | {:.1} | {:.0} | {:.2} | {} |",
        if over_wire { "through the gateway, HTTP/2" } else { "in the process" },
        latencies.len() as f64 / answered.as_secs_f64(),
        at(0.5),
        at(0.99),
        processor / latencies.len() as f64 * 1e6,
        (ended - answered).as_secs_f64(),
        resident_mib(),
    );
}

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u32>().ok());
    let length = Duration::from_secs(u64::from(numbers.next().unwrap_or(8)));
    let chosen: Vec<usize> = numbers.map(|number| number as usize).collect();
    let ratio = std::env::args().find_map(|argument| argument.strip_prefix("telemetry=")?.parse().ok());
    let export = match ratio {
        Some(ratio) => Some(export(ratio).await),
        None => None,
    };
    let shop = Shop::open().await;
    println!("resident when ready: {} MiB", resident_mib());
    let offers = options(&shop).await;
    let customers: Vec<_> = futures::stream::iter(0..CUSTOMERS)
        .map(|_| async {
            let customer = shop.person(&[Role::Customer]);
            let card = customer.card("tok_approve").await;
            (customer, card)
        })
        .buffered(32)
        .collect()
        .await;
    println!("| how | in flight | orders/s | p50 ms | p99 ms | CPU µs an order | until at rest s | resident MiB |");
    println!("|---|---|---|---|---|---|---|---|");
    for in_flight in if chosen.is_empty() { &[1, 16, 64, 256] } else { chosen.as_slice() } {
        measure(&shop, &customers, &offers, *in_flight, false, length).await;
    }
    if chosen.is_empty() {
        for in_flight in [64, 256] {
            measure(&shop, &customers, &offers, in_flight, true, length).await;
        }
    }
    if let Some((collector, export, metrics)) = export {
        export.stop().await;
        let text = metrics.text().unwrap();
        println!("\nspans that came: {}", collector.taken());
        text.lines().filter(|line| line.starts_with("bojagi_telemetry_spans")).for_each(|line| println!("{line}"));
    }
}

/// Exports this part of the traces to a collector that only counts.
async fn export(ratio: f64) -> (Collector, Export, Metrics) {
    let collector = Collector::counting().await;
    let mut config: OtlpConfig = toml::from_str(otlp::DEFAULTS).unwrap();
    (config.endpoint, config.sampling_ratio) = (collector.endpoint(), ratio);
    let metrics = Metrics::of_process("0.0.0");
    let process = Process { name: "bench", version: "0.0.0" };
    let export = Export::start(&config, process, metrics.clone()).unwrap().unwrap();
    (collector, export, metrics)
}
