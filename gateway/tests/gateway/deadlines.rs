//! How long calls may take. The clock of the runtime is paused: it moves on when everybody waits.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tonic::Code;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, WEB, call, read, request, send};
use crate::support::upstream::{answering, careless, silent};
use crate::support::{gateway, gateway_with, message};

const GET: &str = "/shop.v1.Orders/Get";
const WATCH: &str = "/shop.v1.Orders/Watch";

#[tokio::test(start_paused = true)]
async fn before_the_headers_a_call_ends_at_its_deadline() {
    for content_type in [WEB, NATIVE] {
        let (upstream, mut at_upstream) = silent();
        let began = Instant::now();
        let reply =
            call(&gateway(upstream), request(content_type, GET).header("grpc-timeout", "250m"), message(b"")).await;
        assert_eq!(began.elapsed(), Duration::from_millis(250), "{content_type}");
        assert_eq!((reply.status.as_u16(), reply.code()), (200, Code::DeadlineExceeded), "{content_type}");
        assert_eq!(reply.grpc_status().details(), b"", "as every gRPC client would tell it");
        assert!(at_upstream.recv().await.is_some());
        assert!(at_upstream.recv().await.is_none(), "the call of the upstream is given up");
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_headers_a_call_ends_at_its_deadline() {
    for content_type in [WEB, NATIVE] {
        let upstream = careless(Answer::grpc().data(message(b"one")).data(&b"\0\0"[..]).never());
        let asked = request(content_type, WATCH).header("grpc-timeout", "2S").body(Full::new(message(b""))).unwrap();
        let began = Instant::now();
        let reply = read(send(&gateway(upstream), asked).await).await;
        assert_eq!(began.elapsed(), Duration::from_secs(2), "{content_type}");
        assert_eq!(reply.code(), Code::DeadlineExceeded, "{content_type}");
        assert_eq!(reply.messages(), ["one"], "{content_type}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_unary_call_has_a_default_and_a_stream_has_none() {
    let began = Instant::now();
    let (upstream, _at_upstream) = silent();
    let reply = call(&gateway(upstream), request(WEB, GET), message(b"")).await;
    assert_eq!((began.elapsed(), reply.code()), (Duration::from_secs(30), Code::DeadlineExceeded));

    let upstream = careless(Answer::grpc().data(message(b"one")).never());
    let asked = request(WEB, WATCH).body(Full::new(message(b""))).unwrap();
    let mut response = send(&gateway(upstream), asked).await;
    assert!(response.body_mut().frame().await.is_some());
    let day = Duration::from_secs(24 * 3600);
    assert!(tokio::time::timeout(day, response.body_mut().frame()).await.is_err(), "the stream is still open");
}

#[tokio::test(start_paused = true)]
async fn a_cap_shortens_what_a_client_asks_for() {
    let (upstream, _at_upstream) = silent();
    let gateway = gateway_with(upstream, |config| config.deadlines.stream_cap_ms = 60_000).service();
    for (path, timeout, seconds) in [(GET, "1H", 300), (GET, "299S", 299), (WATCH, "2M", 60), (WATCH, "59S", 59)] {
        let began = Instant::now();
        let reply = call(&gateway, request(WEB, path).header("grpc-timeout", timeout), message(b"")).await;
        assert_eq!(reply.code(), Code::DeadlineExceeded);
        assert_eq!(began.elapsed(), Duration::from_secs(seconds), "{timeout} on {path}");
    }
    let began = Instant::now();
    call(&gateway, request(WEB, WATCH), message(b"")).await;
    assert_eq!(began.elapsed(), Duration::from_secs(60), "a cap without a default holds alone");
}

#[tokio::test]
async fn the_upstream_is_told() {
    for (path, of_client, told) in [
        (GET, Some("5S"), Some("5S")),
        (GET, Some("1H"), Some("300000m")),
        (GET, None, Some("30000000u")),
        (WATCH, None, None),
        (WATCH, Some("1H"), Some("1H")),
    ] {
        let (upstream, mut received) = answering(Answer::unary(b""));
        let asked = request(WEB, path);
        let asked = if let Some(timeout) = of_client { asked.header("grpc-timeout", timeout) } else { asked };
        assert_eq!(call(&gateway(upstream), asked, message(b"")).await.code(), Code::Ok);
        assert_eq!(received.recv().await.unwrap().header("grpc-timeout"), told, "{of_client:?} on {path}");
    }
}

#[tokio::test]
async fn a_malformed_timeout_is_refused() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway(upstream);
    for timeout in ["", "10", "S", "123456789S", "1.5S", "-1S", "5s"] {
        let reply = call(&gateway, request(WEB, GET).header("grpc-timeout", timeout), message(b"")).await;
        assert_eq!((reply.code(), reply.reason().as_str()), (Code::InvalidArgument, "TIMEOUT_MALFORMED"), "{timeout}");
        assert_eq!(reply.details().bad_request().unwrap().field_violations[0].field, "grpc-timeout");
    }
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_time_that_is_over_already_costs_the_upstream_nothing() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let reply = call(&gateway(upstream), request(WEB, GET).header("grpc-timeout", "0n"), message(b"")).await;
    assert_eq!(reply.code(), Code::DeadlineExceeded);
    assert!(received.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_pauses_meets_its_deadline() {
    let endless = bojagi_gateway::upstream(tower::service_fn(|_: http::Request<tonic::body::Body>| async {
        let frames = futures::stream::repeat_with(|| Ok::<_, tonic::Status>(http_body::Frame::data(message(b"more"))));
        let (head, _) = Answer::grpc().to_response().into_parts();
        let body = tonic::body::Body::new(http_body_util::StreamBody::new(frames));
        Ok::<_, std::convert::Infallible>(http::Response::from_parts(head, body))
    }));
    let asked = request(NATIVE, WATCH).header("grpc-timeout", "1S").body(Full::new(message(b""))).unwrap();
    let mut response = send(&gateway(endless), asked).await;
    assert!(response.body_mut().frame().await.unwrap().unwrap().is_data());
    tokio::time::advance(Duration::from_secs(1)).await;
    let end = response.body_mut().frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(end.get("grpc-status").unwrap(), "4");
    assert!(response.body_mut().frame().await.is_none());
}
