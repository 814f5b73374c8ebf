//! What people and Prometheus watch the shop by.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use bojagi_api::order::OrderState;
use bojagi_api::policy::Role;
use bojagi_e2e::{Shop, Wish};
use bojagi_gateway::{Admin, LogFilter};
use bojagi_telemetry::metrics::Metrics;
use bojagi_testkit::eventually;
use serde_json::Value;

use super::Watched;

/// The log is of no interest here.
struct NoLog;

impl LogFilter for NoLog {
    fn get(&self) -> Result<String, String> {
        Ok(String::new())
    }

    fn set(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

/// The value of a sample, by its name and labels as they are written.
fn sample(metrics: &Metrics, name: &str) -> Option<f64> {
    let text = metrics.text().unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?.parse().ok()
}

/// The names of all samples that there are, and of the histograms that they are parts of.
fn names(metrics: &Metrics) -> BTreeSet<String> {
    let text = metrics.text().unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let names = samples.filter_map(|line| line.split(['{', ' ']).next());
    names.flat_map(|name| [name, name.trim_end_matches("_bucket")]).map(str::to_owned).collect()
}

/// The names of metrics in a text: words that begin like ours, and are no labels.
fn mentioned(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("bojagi_") || word.starts_with("process_")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_the_shop_is_counted_and_whatever_is_watched_exists() {
    let watched = Watched::begin().await;
    let told =
        |fact: &str| sample(&watched.metrics, &format!("bojagi_facts_told_total{{fact=\"{fact}\"}}")).unwrap_or(0.0);
    let decided = |outcome: &str| {
        sample(&watched.metrics, &format!("bojagi_order_decision_seconds_count{{outcome=\"{outcome}\"}}"))
            .unwrap_or(0.0)
    };
    let before = (told("OrderConfirmed"), told("OrderFailed"), decided("confirmed"), decided("failed"));

    let shop = Shop::open().await;
    let _admin = Admin::new(shop.mesh().gateway(), watched.metrics.clone(), Arc::new(NoLog));
    let (_, offer) = shop.offer(1_000, 10).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    // One that fails may have given everything back by the time it is shown.
    let confirmed: &[_] = &[OrderState::Confirmed];
    let failed: &[_] = &[OrderState::Failed, OrderState::Cancelled];
    for (quantity, ends) in [(1, confirmed), (2, confirmed), (999, failed)] {
        let order = buyer.place(&Wish::of(&offer, quantity, &card)).await.unwrap();
        assert!(ends.contains(&order.state()), "{order:?}");
    }
    shop.verify().await;
    let after = (told("OrderConfirmed"), told("OrderFailed"), decided("confirmed"), decided("failed"));
    assert_eq!(after, (before.0 + 2.0, before.1 + 1.0, before.2 + 2.0, before.3 + 1.0));
    let labels = "{service=\"bojagi.item.v1.StockService\",method=\"ReserveStock\",code=\"FAILED_PRECONDITION\"}";
    assert!(sample(&watched.metrics, &format!("bojagi_rpc_server_handled_total{labels}")).unwrap() >= 1.0);

    // The ledger is added up when the shop opens.
    let shop = Shop::open_in(shop.close().await).await;
    let imbalance = || sample(&watched.metrics, "bojagi_ledger_imbalance{currency=\"KRW\"}");
    eventually("the ledger was added up", async || imbalance() == Some(0.0)).await;
    for (name, expected) in [
        ("bojagi_sagas{state=\"parked\"}", 0.0),
        ("bojagi_stock_holds", 0.0),
        ("bojagi_events_lag{group=\"settlement\",topic=\"bojagi.payment.v1\"}", 0.0),
        ("bojagi_events_set_aside{group=\"item\",state=\"parked\"}", 0.0),
        ("bojagi_outbox_unpublished{topic=\"bojagi.order.v1\"}", 0.0),
        // By these it is known that somebody runs them.
        ("bojagi_outbox_age_seconds{topic=\"bojagi.user.v1\"}", 0.0),
        ("bojagi_outbox_age_seconds{topic=\"bojagi.coupon.v1\"}", 0.0),
        ("bojagi_outbox_age_seconds{topic=\"bojagi.payment.v1\"}", 0.0),
        ("bojagi_daily_close_overdue_seconds", 0.0),
    ] {
        eventually(name, async || sample(&watched.metrics, name) == Some(expected)).await;
    }

    let operations = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/operations");
    let (alerts, dashboard) = (read(&operations, "alerts.yml"), read(&operations, "dashboard.json"));
    let there = names(&watched.metrics);
    // Counted when it happens, and not before.
    let rare = BTreeSet::from(["bojagi_gateway_errors_total".to_owned()]);
    let missing: Vec<_> = mentioned(&alerts).union(&mentioned(&dashboard)).cloned().collect();
    let missing: Vec<_> = missing.iter().filter(|name| !there.contains(*name) && !rare.contains(*name)).collect();
    assert!(missing.is_empty(), "watched, and not there: {missing:?}");
    shop.close().await;
    watched.end().await;
}

#[test]
fn the_dashboard_says_what_it_shows() {
    let operations = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/operations");
    let dashboard: Value = serde_json::from_str(&read(&operations, "dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 20);
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            assert!(!mentioned(target["expr"].as_str().unwrap()).is_empty(), "{target}");
        }
    }
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}
