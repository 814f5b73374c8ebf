//! One trace covers an order from the gateway to the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope};
use bojagi_api::order::OrderState;
use bojagi_api::policy::Role;
use bojagi_e2e::{Shop, Wish, won};
use bojagi_telemetry::TraceContext;
use bojagi_testkit::{CollectedSpan, eventually, hex};
use tonic::Request;

use super::Watched;

const PLACE_ORDER: &str = "bojagi.order.v1.OrderService/PlaceOrder";
const WRITE: &str = "write";

/// What has to be in the trace of an order: the service, the span, and the service of its parent. Units of work are here without
/// the name of their store, which depends on where it is.
const STORY: [(&str, &str, &str); 15] = [
    ("gateway", PLACE_ORDER, ""),
    ("gateway", PLACE_ORDER, "gateway"),
    ("order", PLACE_ORDER, "gateway"),
    ("order", WRITE, "order"),
    ("order", "saga", "order"),
    ("item", "bojagi.item.v1.StockService/ReserveStock", "order"),
    ("coupon", "bojagi.coupon.v1.CouponService/ReserveRedemptions", "order"),
    ("payment", "bojagi.payment.v1.PaymentService/Authorize", "order"),
    ("payment", "bojagi.payment.v1.PaymentService/Capture", "order"),
    ("item", WRITE, "item"),
    ("coupon", WRITE, "coupon"),
    ("payment", WRITE, "payment"),
    ("item", "process bojagi.order.v1", "order"),
    ("coupon", "process bojagi.order.v1", "order"),
    ("settlement", "process bojagi.payment.v1", "payment"),
];

/// What is in it as well where facts travel over a broker.
const PUBLISHED: [(&str, &str, &str); 2] =
    [("order", "publish bojagi.order.v1", "order"), ("payment", "publish bojagi.payment.v1", "payment")];

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_one_trace_from_the_gateway_to_the_ledger() {
    let watched = Watched::begin().await;
    let shop = Shop::open().await;
    let over_broker = shop.broker().is_some();
    let published = if over_broker { &PUBLISHED[..] } else { &[] };
    let trace = order_and_follow(&shop, &watched, &[&STORY, published].concat()).await;
    shop.close().await;
    let _collected = watched.end().await;
    let parents = parents(&trace);
    for heard in trace.iter().filter(|collected| collected.span.name.starts_with("process ")) {
        let parent = parents[&heard.span.span_id];
        let was_published = parent.span.name.starts_with("publish ");
        assert_eq!(was_published, over_broker, "{} hears what {}", heard.span.name, parent.span.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_puts_beside_a_trace_goes_as_far_as_the_trace() {
    let watched = Watched::begin().await;
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 5).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    let trace = TraceContext::root();
    let mut request = Request::new(Wish::of(&offer, 1, &card).request());
    request.metadata_mut().insert("traceparent", trace.to_string().parse().unwrap());
    request.metadata_mut().insert("tracestate", "vendor=abc".parse().unwrap());
    buyer.orders().place_order(request).await.unwrap();
    let told = || watched.collector.trace(&trace.trace_id());
    eventually("it is booked", async || told().iter().any(|collected| collected.service == "settlement")).await;
    assert!(told().iter().all(|collected| collected.span.trace_state == "vendor=abc"), "{:?}", told());
    shop.close().await;
    watched.end().await;
}

/// Places an order with a coupon, points and a card, and waits until its trace holds the story; answers the trace.
async fn order_and_follow(shop: &Shop, watched: &Watched, story: &[(&str, &str, &str)]) -> Vec<CollectedSpan> {
    let (_, offer) = shop.offer(10_000, 5).await;
    let coupon = Coupon {
        name: "A thousand off".into(),
        scope: CouponScope::Order.into(),
        benefit: Some(Benefit::FixedAmount(won(1_000))),
        ..Coupon::default()
    };
    let coupon_id = shop.coupon(coupon).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    buyer.charge(20_000, &card).await;
    let coupon = buyer.take_coupon(&coupon_id).await.unwrap();
    let wish = Wish { coupon, discount: 1_000, points: 2_000, ..Wish::of(&offer, 1, &card) };
    let order = buyer.place(&wish).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");

    let trace_of_order = || {
        let spans = watched.collector.spans();
        let of_call =
            spans.iter().find(|collected| collected.service == "gateway" && collected.span.name == PLACE_ORDER);
        of_call.map(|found| watched.collector.trace(&hex(&found.span.trace_id))).unwrap_or_default()
    };
    let missing = || {
        let trace = trace_of_order();
        let told = told(&trace);
        story.iter().filter(|part| !told.contains(*part)).copied().map(|part| format!("{part:?}")).collect::<Vec<_>>()
    };
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let complete = tokio::time::timeout(Duration::from_secs(90), async {
        while !missing().is_empty() {
            look.tick().await;
        }
    });
    assert!(complete.await.is_ok(), "missing: {:?}\ntold: {:?}", missing(), told(&trace_of_order()));
    shop.verify().await;
    let without_parent = || {
        let trace = trace_of_order();
        trace.len() - parents(&trace).len()
    };
    eventually("every span but the first has a parent in the trace", async || without_parent() == 1).await;
    trace_of_order()
}

fn parents(trace: &[CollectedSpan]) -> BTreeMap<Vec<u8>, &CollectedSpan> {
    let by_id: BTreeMap<_, _> = trace.iter().map(|collected| (&collected.span.span_id, collected)).collect();
    let child = |collected: &CollectedSpan| {
        let parent = by_id.get(&collected.span.parent_span_id)?;
        Some((collected.span.span_id.clone(), *parent))
    };
    trace.iter().filter_map(child).collect()
}

/// What a trace tells, in the form of the story.
fn told(trace: &[CollectedSpan]) -> BTreeSet<(&str, &str, &str)> {
    let parents = parents(trace);
    trace
        .iter()
        .map(|collected| {
            let parent = parents.get(&collected.span.span_id).map_or("", |parent| parent.service.as_str());
            let is_write = collected.attribute("db.operation.name") == WRITE;
            (collected.service.as_str(), if is_write { WRITE } else { &collected.span.name }, parent)
        })
        .collect()
}
