//! The unary form of the Connect protocol, as JSON and as protobuf, byte by byte.

mod errors;
mod queries;
mod refusals;

use std::io::Read;

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Version};
use serde_json::{Value, json};
use tonic::Status;

use crate::support::answer::Answer;
use crate::support::client::{Reply, call, call_in_chunks, request};
use crate::support::log::Log;
use crate::support::upstream::{answering, careless, echo};
use crate::support::{frame, gateway, gateway_with, message};

const GET: &str = "/shop.v1.Orders/Get";
const JSON: &str = "application/json";
const PROTO: &str = "application/proto";

/// `shop.v1.Text` with this text, up to 127 bytes, as protobuf.
fn text(text: &str) -> Bytes {
    [&[0x0a, text.len() as u8], text.as_bytes()].concat().into()
}

fn json_of(reply: &Reply) -> Value {
    assert_eq!(reply.header("content-type"), Some(JSON), "{reply:?}");
    serde_json::from_slice(&reply.body).unwrap()
}

#[tokio::test]
async fn json_is_translated_both_ways() {
    let answer = Answer::grpc().header("x-price", "9").data(message(&text("tea for two"))).trailers(&[
        ("grpc-status", "0"),
        ("x-seen", "a"),
        ("x-seen", "b"),
        ("x-key-bin", "YQ"),
    ]);
    let (upstream, mut received) = answering(answer);
    let asked = request("application/JSON; charset=utf-8", GET)
        .header("connect-protocol-version", "1")
        .header("connect-timeout-ms", "2500")
        .header("accept", "*/*")
        .header("x-color", "green");
    let reply = call(&gateway(upstream), asked, r#"{"text": "tea?"}"#).await;

    assert_eq!(reply.status, 200);
    assert_eq!(json_of(&reply), json!({"text": "tea for two"}));
    assert_eq!(reply.header("x-price"), Some("9"));
    let seen: Vec<_> = reply.headers.get_all("trailer-x-seen").iter().collect();
    assert_eq!(seen, ["a", "b"]);
    assert_eq!(reply.header("trailer-x-key-bin"), Some("YQ"));
    assert!(reply.headers.keys().all(|name| !name.as_str().contains("grpc")), "{:?}", reply.headers);
    assert_eq!(reply.trailers, None);

    let received = received.recv().await.unwrap();
    assert_eq!(received.body.as_ref().unwrap(), &message(&text("tea?")));
    assert_eq!(received.header("content-type"), Some("application/grpc+proto"));
    assert_eq!(received.header("te"), Some("trailers"));
    assert_eq!(received.header("grpc-timeout"), Some("2500000u"));
    assert_eq!(received.header("x-color"), Some("green"));
    for translated in ["connect-protocol-version", "connect-timeout-ms", "accept", "accept-encoding", "content-length"]
    {
        assert_eq!(received.header(translated), None, "{translated}");
    }
}

#[tokio::test]
async fn protobuf_passes_unread() {
    let (upstream, mut received) = answering(Answer::unary(b"no message that anybody could read"));
    let reply = call(&gateway(upstream), request(PROTO, GET), "neither is this").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, Some(PROTO)));
    assert_eq!(reply.body, "no message that anybody could read");
    let received = received.recv().await.unwrap();
    assert_eq!(received.body.unwrap(), message(b"neither is this"));
}

#[tokio::test]
async fn the_message_may_come_in_chunks_of_any_size_and_be_empty() {
    for (content_type, chunks, expected) in [
        (JSON, vec!["{\"te", "", "xt\":", "\"tea\"}"], message(&text("tea"))),
        (PROTO, vec!["\n", "\x03", "tea"], message(&text("tea"))),
        (PROTO, vec![], message(b"")),
        (JSON, vec!["{", "}"], message(b"")),
    ] {
        let (upstream, mut received) = answering(Answer::unary(b""));
        let chunks = chunks.into_iter().map(Bytes::from).collect();
        let reply = call_in_chunks(&gateway(upstream), request(content_type, GET), chunks).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.body, if content_type == JSON { "{}" } else { "" });
        assert_eq!(received.recv().await.unwrap().body.unwrap(), expected);
    }
}

#[tokio::test]
async fn every_kind_of_field_has_its_canonical_form() {
    let canonical = json!({
        "count": "9007199254740993",
        "small": -7,
        "ratio": 0.25,
        "nothing": "NaN",
        "data": "AP8=",
        "color": "COLOR_GREEN",
        "when": "2026-08-15T12:30:00.500Z",
        "lasts": "90.500s",
        "note": "wrapped",
        "free": {"any": ["thing", null, 1.5]},
        "mask": "lineItems,note",
        "detail": {"@type": "type.googleapis.com/shop.v1.Text", "text": "inside"},
        "lineItems": [{"text": "first"}, {}],
        "byKey": {"7": "seven"},
        "either": "",
    });
    let gateway = gateway(echo());
    let reply = call(&gateway, request(JSON, "/shop.v1.Orders/Describe"), canonical.to_string()).await;
    assert_eq!(json_of(&reply), canonical);

    // What may be written in two ways is read in both and answered in the canonical one.
    let accepted = json!({"line_items": [{"text": "a"}], "count": 3, "small": "-7", "color": 1, "when": null});
    let reply = call(&gateway, request(JSON, "/shop.v1.Orders/Describe"), accepted.to_string()).await;
    let expected = json!({"lineItems": [{"text": "a"}], "count": "3", "small": -7, "color": "COLOR_GREEN"});
    assert_eq!(json_of(&reply), expected);
}

#[tokio::test]
async fn compression_is_passed_on_for_protobuf_and_done_here_for_json() {
    let long = "tea ".repeat(1000);
    let squeezed = gzip(&Bytes::from(format!(r#"{{"text": "{long}"}}"#)));
    let gateway_of_echo = gateway(echo());

    let asked = request(JSON, GET).header("content-encoding", "gzip").header("accept-encoding", "br, gzip");
    let reply = call(&gateway_of_echo, asked, squeezed.clone()).await;
    assert_eq!((reply.header("content-encoding"), reply.header("vary")), (Some("gzip"), Some("accept-encoding")));
    let plain: Value = serde_json::from_slice(&gunzip(&reply.body)).unwrap();
    assert_eq!(plain, json!({"text": long}));

    let asked = request(JSON, GET).header("content-encoding", "gzip").header("accept-encoding", "identity");
    let reply = call(&gateway_of_echo, asked, squeezed).await;
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(json_of(&reply), json!({"text": long}));

    let answer =
        Answer::grpc().header("grpc-encoding", "gzip").data(frame(1, b"squeezed")).trailers(&[("grpc-status", "0")]);
    let (upstream, mut received) = answering(answer);
    let reply = call(&gateway(upstream), request(PROTO, GET).header("content-encoding", "gzip"), "as it is").await;
    assert_eq!((reply.header("content-encoding"), &reply.body[..]), (Some("gzip"), &b"squeezed"[..]));
    let received = received.recv().await.unwrap();
    assert_eq!(received.header("grpc-encoding"), Some("gzip"));
    assert_eq!(received.header("grpc-accept-encoding"), Some("gzip"), "who sends gzip can read it");
    assert_eq!(received.body.unwrap(), frame(1, b"as it is"));
}

#[test]
fn a_few_compressed_bytes_keep_no_other_call_waiting() {
    // All threads for long work are taken, of which there is one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let plain = Bytes::from(r#"{"text": "tea"}"#);
    let bomb = gzip(&format!("{}{}", " ".repeat(1024 * 1024), r#"{"text": "tea"}"#).into());
    let repeated_text = gzip(&text("tea").repeat(20_000).into());
    let nothing_often = Bytes::from([vec![gzip(&Bytes::new()); 500].concat(), gzip(&plain).to_vec()].concat());
    for (encoding, asked, answered, is_done_at_once) in [
        ("identity", plain.clone(), message(&text("tea")), true),
        ("gzip", gzip(&plain), message(&text("tea")), true),
        ("gzip", bomb, message(&text("tea")), false),
        ("gzip", nothing_often, message(&text("tea")), false),
        ("identity", plain.clone(), frame(1, &gzip(&text("tea"))), true),
        ("identity", plain.clone(), frame(1, &repeated_text), false),
    ] {
        let answer = Answer::grpc().header("grpc-encoding", "gzip").data(answered).trailers(&[("grpc-status", "0")]);
        let gateway = gateway(careless(answer));
        runtime.block_on(async {
            let (release, released) = std::sync::mpsc::channel::<()>();
            let elsewhere = tokio::task::spawn_blocking(move || released.recv());
            let mut called = Box::pin(call(&gateway, request(JSON, GET).header("content-encoding", encoding), asked));
            let at_once = called.as_mut().now_or_never();
            assert_eq!(at_once.is_some(), is_done_at_once, "what it comes to is known only when it is decompressed");
            release.send(()).unwrap();
            elsewhere.await.unwrap().unwrap();
            let reply = match at_once {
                Some(reply) => reply,
                None => called.await,
            };
            assert_eq!(json_of(&reply), json!({"text": "tea"}));
        });
    }
}

#[tokio::test]
async fn nothing_is_not_compressed() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let reply = call(&gateway(upstream), request(PROTO, GET).header("content-encoding", "gzip"), "").await;
    assert_eq!((reply.status.as_u16(), reply.body.len(), reply.header("content-encoding")), (200, 0, None));
    assert_eq!(received.recv().await.unwrap().body.unwrap(), message(b""));
}

#[tokio::test]
async fn auth_deadlines_cors_and_the_log_hold_for_json_too() {
    let log = Log::begin();
    let (upstream, _received) = answering(Answer::unary(&text("a")));
    let gateway = gateway_with(upstream, |config| config.cors.allowed_origins = vec!["https://shop.example".into()]);
    let asked = request(JSON, "/shop.v1.Orders/Mine").header("origin", "https://shop.example");
    let refused = call(&gateway.service(), asked, "not even JSON").await;
    assert_eq!(refused.status, 401);
    assert_eq!(json_of(&refused)["code"], "unauthenticated", "who may not call is told so before the message is read");
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://shop.example"));
    assert!(refused.header("access-control-expose-headers").unwrap().contains("www-authenticate"));

    let asked = request(JSON, "/shop.v1.Orders/Mine").header("authorization", "Bearer customer");
    assert_eq!(call(&gateway.service(), asked, "{}").await.status, 200);
    let statuses: Vec<_> = log.calls().iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, ["UNAUTHENTICATED", "OK"]);
}

#[tokio::test]
async fn the_services_of_the_gateway_speak_json() {
    let gateway = gateway_with(echo(), |_| {});
    gateway.readiness().set_serving(true);
    let reply = call(&gateway.service(), request(JSON, "/grpc.health.v1.Health/Check"), "{}").await;
    assert_eq!(json_of(&reply), json!({"status": "SERVING"}));
}

fn gzip(plain: &Bytes) -> Bytes {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap().into()
}

fn gunzip(compressed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(compressed).read_to_end(&mut plain).unwrap();
    plain
}

fn get(uri: &str) -> http::request::Builder {
    Request::get(uri).version(Version::HTTP_11)
}

fn status_details(code: tonic::Code, message: &str, reason: &str) -> Status {
    use tonic_types::{ErrorDetails, StatusExt};
    let mut details = ErrorDetails::with_error_info(reason, "shop", [("order_id".to_owned(), "7".to_owned())]);
    details.add_bad_request_violation("lines[0].quantity", "must be positive");
    Status::with_error_details(code, message, details)
}
