//! What the gateway counts.

use bojagi_gateway::GatewayMetrics;
use bojagi_telemetry::metrics::Metrics;
use http_body_util::{BodyExt, Full};

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, WEB, WEB_TEXT, call, request, send};
use crate::support::message;
use crate::support::upstream::careless;

const GET: &str = "/shop.v1.Orders/Get";

/// The samples of `metrics` by name and labels.
fn value(metrics: &Metrics, name: &str, labels: &str) -> Option<f64> {
    let text = metrics.text().unwrap();
    let sample = format!("bojagi_gateway_{name}{{{labels}}} ");
    text.lines().find_map(|line| line.strip_prefix(&sample)).map(|value| value.parse().unwrap())
}

fn of(method: &str) -> String {
    format!("service=\"shop.v1.Orders\",method=\"{method}\"")
}

fn counted() -> (GatewayMetrics, Metrics) {
    let (of_gateway, of_process) = (GatewayMetrics::default(), Metrics::of_process("0"));
    of_gateway.register(&of_process);
    (of_gateway, of_process)
}

fn gateway_counting(of_gateway: GatewayMetrics, answer: Answer) -> bojagi_gateway::GatewayService {
    let gateway = crate::support::builder_with(careless(answer), |_| {}).metrics(of_gateway).build().unwrap();
    gateway.service()
}

#[tokio::test]
async fn calls_by_method_dialect_and_code_with_their_messages_and_bytes() {
    let (of_gateway, metrics) = counted();
    let answer = Answer::grpc().data(message(b"one")).data(message(b"two!")).trailers(&[("grpc-status", "9")]);
    let gateway = gateway_counting(of_gateway, answer);
    call(&gateway, request(NATIVE, GET), message(b"ask")).await;
    call(&gateway, request(WEB, GET), message(b"ask")).await;
    call(&gateway, request(WEB_TEXT, GET), b"AAAAAANhc2s=".to_vec()).await;

    for dialect in ["grpc", "grpc-web", "grpc-web-text"] {
        let labels = format!("{},dialect=\"{dialect}\"", of("Get"));
        assert_eq!(value(&metrics, "calls_started_total", &labels), Some(1.0), "{dialect}");
        let labels = format!("{labels},code=\"FAILED_PRECONDITION\"");
        assert_eq!(value(&metrics, "calls_handled_total", &labels), Some(1.0), "{dialect}");
    }
    for (name, expected) in [
        ("messages_sent_total", 6.0),
        ("sent_bytes_total", 3.0 * 17.0),
        ("calls_in_flight", 0.0),
        ("call_duration_seconds_count", 3.0),
    ] {
        assert_eq!(value(&metrics, name, &of("Get")), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn what_is_received_is_counted_as_the_upstream_reads_it() {
    let (of_gateway, metrics) = counted();
    let (upstream, _received) = crate::support::upstream::answering(Answer::unary(b""));
    let gateway = crate::support::builder_with(upstream, |_| {}).metrics(of_gateway).build().unwrap();
    let two = [message(b"one"), message(b"")].concat();
    call(&gateway.service(), request(WEB, "/shop.v1.Orders/Upload"), two).await;
    assert_eq!(value(&metrics, "messages_received_total", &of("Upload")), Some(2.0));
    assert_eq!(value(&metrics, "received_bytes_total", &of("Upload")), Some(13.0));
}

#[tokio::test]
async fn refusals_by_reason_and_what_nobody_knows_under_one_name() {
    let (of_gateway, metrics) = counted();
    let gateway = gateway_counting(of_gateway, Answer::unary(b""));
    call(&gateway, request(WEB, "/shop.v1.Orders/Mine"), message(b"")).await;
    for invented in ["/a.B/C", "/d.E/F", "/shop.v1.Orders/Repair", "/x"] {
        call(&gateway, request(WEB, invented), message(b"")).await;
    }
    let missing = format!("{},reason=\"TOKEN_MISSING\"", of("Mine"));
    assert_eq!(value(&metrics, "errors_total", &missing), Some(1.0));
    let others = "service=\"other\",method=\"other\"";
    assert_eq!(value(&metrics, "errors_total", &format!("{others},reason=\"METHOD_UNKNOWN\"")), Some(4.0));
    assert_eq!(value(&metrics, "calls_in_flight", others), Some(0.0));
    let text = metrics.text().unwrap();
    assert!(!text.contains("a.B") && !text.contains("Repair"), "{text}");
}

#[tokio::test]
async fn a_call_is_in_flight_until_the_client_has_all_of_it_or_gives_it_up() {
    let (of_gateway, metrics) = counted();
    let gateway = gateway_counting(of_gateway, Answer::grpc().data(message(b"one")).never());
    let asked = request(WEB, "/shop.v1.Orders/Watch").body(Full::new(message(b""))).unwrap();
    let mut watched = send(&gateway, asked).await;
    assert!(watched.body_mut().frame().await.is_some());
    assert_eq!(value(&metrics, "calls_in_flight", &of("Watch")), Some(1.0));
    drop(watched);
    assert_eq!(value(&metrics, "calls_in_flight", &of("Watch")), Some(0.0));
    let cancelled = format!("{},dialect=\"grpc-web\",code=\"CANCELLED\"", of("Watch"));
    assert_eq!(value(&metrics, "calls_handled_total", &cancelled), Some(1.0));
}

#[tokio::test]
async fn a_method_that_nobody_calls_is_not_shown() {
    let (of_gateway, metrics) = counted();
    let gateway = gateway_counting(of_gateway, Answer::unary(b""));
    assert!(!metrics.text().unwrap().contains("service="));
    call(&gateway, request(WEB, GET), message(b"")).await;
    let text = metrics.text().unwrap();
    assert!(text.contains("# TYPE bojagi_gateway_calls_started counter"), "{text}");
    assert!(text.contains("method=\"Get\"") && !text.contains("method=\"Watch\""), "{text}");
}
