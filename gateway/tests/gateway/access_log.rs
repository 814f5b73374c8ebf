//! The line that every call leaves in the log.

use http_body_util::{BodyExt, Full};

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, WEB, WEB_TEXT, call, request, send};
use crate::support::log::Log;
use crate::support::upstream::{careless, echo, silent};
use crate::support::{gateway, message};

const GET: &str = "/shop.v1.Orders/Get";

#[tokio::test]
async fn the_true_status_bytes_and_ids_whatever_the_dialect() {
    let answer = Answer::grpc().data(message(b"answer")).trailers(&[("grpc-status", "9")]);
    for (content_type, body) in
        [(NATIVE, &message(b"ask")[..]), (WEB, &message(b"ask")[..]), (WEB_TEXT, b"AAAAAANhc2s=")]
    {
        let log = Log::begin();
        let (upstream, _received) = crate::support::upstream::answering(answer.clone());
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let asked = request(content_type, &format!("{GET}?key=secret")).header("traceparent", trace);
        let reply = call(&gateway(upstream), asked, body.to_vec()).await;

        let calls = log.calls();
        assert_eq!(calls.len(), 1, "{content_type}");
        let line = &calls[0];
        assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"call ended".into()));
        assert_eq!(line["method"], GET, "without the query");
        assert_eq!(line["status"], "FAILED_PRECONDITION", "{content_type}");
        assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&8.into(), &11.into()), "{content_type}");
        assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(line["request_id"].as_str(), reply.header("x-request-id"));
        assert!(line["duration_us"].is_u64());
        assert_eq!(line["reason"], serde_json::Value::Null, "the service said it");
    }
}

#[tokio::test]
async fn a_call_that_the_client_gives_up_is_cancelled() {
    let log = Log::begin();
    let (upstream, _at_upstream) = silent();
    let gateway_of_silence = gateway(upstream);
    let asked = request(WEB, GET).body(Full::new(message(b""))).unwrap();
    let mut given_up = Box::pin(send(&gateway_of_silence, asked));
    assert!(futures::poll!(given_up.as_mut()).is_pending());
    drop(given_up);

    let upstream = careless(Answer::grpc().data(message(b"one")).never());
    let asked = request(WEB, "/shop.v1.Orders/Watch").body(Full::new(message(b""))).unwrap();
    let mut response = send(&gateway(upstream), asked).await;
    assert!(response.body_mut().frame().await.is_some());
    assert_eq!(log.calls().len(), 1, "the second call is not over yet");
    drop(response);

    let statuses: Vec<_> = log.calls().iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, ["CANCELLED", "CANCELLED"]);
}

#[tokio::test]
async fn refusals_and_failures_are_logged_as_the_client_sees_them() {
    let log = Log::begin();
    let gateway_of_echo = gateway(echo());
    call(&gateway_of_echo, request(WEB, "/shop.v1.Orders/Mine"), message(b"")).await;
    call(&gateway_of_echo, request(WEB, "/shop.v1.Orders/Repair"), message(b"")).await;
    call(&gateway(careless(Answer::grpc().data(message(b"")))), request(WEB, GET), message(b"")).await;
    let statuses: Vec<_> = log.calls().iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, ["UNAUTHENTICATED", "UNIMPLEMENTED", "INTERNAL"]);
    let reasons: Vec<_> = log.calls().iter().map(|line| line["reason"].clone()).collect();
    assert_eq!(reasons, ["TOKEN_MISSING", "METHOD_UNKNOWN", "UPSTREAM_MALFORMED"]);
    assert!(
        log.text().contains("the upstream ended its answer without trailers"),
        "the cause is logged where it is handled"
    );
}

#[tokio::test]
async fn nothing_at_any_level_holds_a_token() {
    let log = Log::begin();
    let gateway = gateway(echo());
    for token in ["seller", "sesame-open"] {
        let asked = request(WEB, "/shop.v1.Orders/Sell").header("authorization", format!("Bearer {token}"));
        call(&gateway, asked, message(b"")).await;
    }
    assert_eq!(log.calls().len(), 2);
    assert!(!log.text().contains("sesame-open") && !log.text().contains("Bearer"), "{}", log.text());
}

#[tokio::test]
async fn the_dialect_and_what_the_client_calls_itself() {
    let long = "x".repeat(300);
    for (headers, user_agent) in [
        (&[("user-agent", "grpcurl/1.9")][..], "grpcurl/1.9"),
        (&[("user-agent", "Mozilla/5.0"), ("x-user-agent", "grpc-web-javascript/0.1")], "grpc-web-javascript/0.1"),
        (&[("user-agent", long.as_str())], &long[..120]),
        (&[], ""),
    ] {
        let log = Log::begin();
        let asked = headers.iter().fold(request(WEB_TEXT, GET), |asked, (name, value)| asked.header(*name, *value));
        call(&gateway(echo()), asked, b"AAAAAANhc2s=".to_vec()).await;
        let line = &log.calls()[0];
        assert_eq!((&line["dialect"], &line["user_agent"]), (&"grpc-web-text".into(), &user_agent.into()));
        assert_eq!((&line["status"], &line["attempts"]), (&"OK".into(), &1.into()));
        assert_eq!(line["upstream"], serde_json::Value::Null, "it is in this process");
    }
}
