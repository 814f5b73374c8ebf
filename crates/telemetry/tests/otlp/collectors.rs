//! Spans and the collectors that they are for.

use std::time::Duration;

use bojagi_telemetry::{Span, SpanKind, TraceContext};
use bojagi_testkit::{Collector, eventually, hex};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as Kind;
use tokio::net::TcpListener;
use tonic::{Code, Status};

use super::{ENDED, NO_ROOM, Running, counted, work};

const EXPORTED: &str = "bojagi_telemetry_spans_exported_total";
const REFUSED: &str = "bojagi_telemetry_spans_lost_total{reason=\"refused\"}";

#[tokio::test]
async fn a_collector_is_told_of_spans_with_the_ids_of_their_contexts() {
    let collector = Collector::start().await;
    let running = Running::to(&collector.endpoint(), |config| {
        config.service_prefix = "shop-a.".into();
        config.headers = vec!["x-scope-orgid=shop-a".into()];
    })
    .await;
    let parent = TraceContext::root().with_tracestate("vendor=abc");
    let mut span = Span::begin("item", SpanKind::Server, "call", Some(parent.clone()));
    let context = span.context();
    span.describe_call(|| "/bojagi.item.v1.StockService/ReserveStock", Code::Internal);
    drop(span);
    eventually("the span has come", async || collector.trace(&parent.trace_id()).len() == 1).await;

    let told = collector.trace(&parent.trace_id()).remove(0);
    assert_eq!(told.service, "shop-a.item");
    assert_eq!(told.span.name, "bojagi.item.v1.StockService/ReserveStock");
    assert_eq!(told.span.kind(), Kind::Server);
    assert_eq!(format!("00-{}-{}-01", parent.trace_id(), hex(&told.span.span_id)), context.to_string());
    assert_eq!(format!("00-{}-{}-01", parent.trace_id(), hex(&told.span.parent_span_id)), parent.to_string());
    assert_eq!(told.span.trace_state, "vendor=abc");
    assert_eq!(told.attribute("rpc.grpc.status_code"), "13");
    assert_eq!(told.span.status.as_ref().unwrap().code, 2, "an internal error is the fault of the server");
    assert!(told.span.end_time_unix_nano >= told.span.start_time_unix_nano);
    assert_eq!(collector.metadata()[0].get("x-scope-orgid").unwrap(), "shop-a");
    running.stop().await;
}

#[tokio::test]
async fn what_was_recorded_is_told_before_the_process_ends_and_nothing_afterwards() {
    let collector = Collector::start().await;
    let running = Running::to(&collector.endpoint(), |config| {
        config.gather_milliseconds = 3_600_000;
        config.batch = 100;
    })
    .await;
    (0..250).for_each(|_| work("packing"));
    let _turn = running.stop_in_turn().await;
    assert_eq!(collector.spans().len(), 250);
    work("too late");
    assert!(!Span::begin("order", SpanKind::Internal, "too late", None).is_recorded());
}

#[tokio::test]
async fn what_is_on_its_way_when_the_process_ends_is_told_once() {
    let collector = Collector::start().await;
    collector.hold_answers(true);
    let running = Running::to(&collector.endpoint(), |_| ()).await;
    (0..5).for_each(|_| work("packing"));
    eventually("the spans have come", async || collector.spans().len() == 5).await;
    // The answer comes when the end has begun.
    let (_took, ()) = tokio::join!(running.stop(), async { collector.hold_answers(false) });
    assert_eq!(collector.spans().len(), 5);
}

#[tokio::test]
async fn only_a_part_of_the_traces_is_recorded_and_those_of_others_as_they_say() {
    let collector = Collector::start().await;
    let running = Running::to(&collector.endpoint(), |config| config.sampling_ratio = 0.25).await;
    let sampled = (0..4_000).filter(|_| TraceContext::root().is_sampled()).count();
    assert!((800..1_200).contains(&sampled), "a quarter of 4000, give or take: {sampled}");
    let theirs = TraceContext::parse("00-ffffffffffffffffffffffffffffffff-00f067aa0ba902b7-01").unwrap();
    assert!(Span::begin("order", SpanKind::Server, "call", Some(theirs)).is_recorded());
    running.stop().await;

    let none = Running::to(&collector.endpoint(), |config| config.sampling_ratio = 0.0).await;
    assert!((0..100).all(|_| !TraceContext::root().is_sampled()));
    none.stop().await;
    // As it was, for the other tests of this process.
    Running::to(&collector.endpoint(), |_| ()).await.stop().await;
}

#[tokio::test]
async fn a_collector_that_does_not_answer_costs_spans_and_nothing_else() {
    // Connections are taken by the system, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let running = Running::to(&endpoint, |config| {
        (config.queue, config.batch) = (100, 10);
        (config.timeout_milliseconds, config.flush_milliseconds) = (60_000, 200);
    })
    .await;
    let metrics = running.metrics.clone();
    let (no_room, ended) = (counted(&metrics, NO_ROOM), counted(&metrics, ENDED));
    (0..1_000).for_each(|_| work("packing"));
    // A batch has left the queue, or has not yet.
    let lost = counted(&metrics, NO_ROOM) - no_room;
    assert!((890..=900).contains(&lost), "{lost}");
    let took = running.stop().await;
    assert!(took < Duration::from_secs(30), "the end waits for the flush, not for the answer: {took:?}");
    assert_eq!(lost + counted(&metrics, ENDED) - ended, 1_000, "each is accounted for");
}

#[tokio::test]
async fn a_collector_that_comes_back_is_told_what_was_kept() {
    let collector = Collector::start().await;
    collector.refuse(Some(Status::unavailable("not now")));
    let running = Running::to(&collector.endpoint(), |_| ()).await;
    let before = counted(&running.metrics, EXPORTED);
    (0..20).for_each(|_| work("packing"));
    eventually("it was tried", async || !collector.metadata().is_empty()).await;
    collector.refuse(None);
    eventually("all spans have come", async || collector.spans().len() == 20).await;
    // Counted when the answer has come back.
    eventually("they are counted", async || counted(&running.metrics, EXPORTED) - before == 20).await;

    let refused = counted(&running.metrics, REFUSED);
    collector.refuse(Some(Status::invalid_argument("never")));
    work("packing");
    eventually("what is refused is given up", async || counted(&running.metrics, REFUSED) == refused + 1).await;
    running.stop().await;
}
