//! How errors look: HTTP status, code, message and details.

use serde_json::json;
use tonic::Code;

use super::{GET, JSON, PROTO, json_of, status_details, text};
use crate::support::answer::Answer;
use crate::support::client::{call, request};
use crate::support::upstream::{careless, silent};
use crate::support::{gateway, gateway_with, message};

#[tokio::test]
async fn every_code_has_its_http_status() {
    let codes = [
        ("1", 499, "canceled"),
        ("2", 500, "unknown"),
        ("3", 400, "invalid_argument"),
        ("4", 504, "deadline_exceeded"),
        ("5", 404, "not_found"),
        ("6", 409, "already_exists"),
        ("7", 403, "permission_denied"),
        ("8", 429, "resource_exhausted"),
        ("9", 400, "failed_precondition"),
        ("10", 409, "aborted"),
        ("11", 400, "out_of_range"),
        ("12", 501, "unimplemented"),
        ("13", 500, "internal"),
        ("14", 503, "unavailable"),
        ("15", 500, "data_loss"),
        ("16", 401, "unauthenticated"),
    ];
    for (number, http, name) in codes {
        for answer in
            [Answer::grpc().header("grpc-status", number), Answer::grpc().trailers(&[("grpc-status", number)])]
        {
            let reply = call(&gateway(careless(answer)), request(PROTO, GET), "").await;
            assert_eq!((reply.status.as_u16(), json_of(&reply)), (http, json!({"code": name})));
        }
    }
}

#[tokio::test]
async fn messages_are_decoded_and_details_shown() {
    let refusal = Answer::grpc().fail(status_details(Code::FailedPrecondition, "sold out: “tea”", "OUT_OF_STOCK"));
    let reply = call(&gateway(careless(refusal)), request(JSON, GET), "{}").await;
    assert_eq!(reply.status, 400);
    let error = json_of(&reply);
    assert_eq!((&error["code"], &error["message"]), (&"failed_precondition".into(), &"sold out: “tea”".into()));
    assert_eq!(error["details"][0]["type"], "google.rpc.ErrorInfo");
    assert_eq!(error["details"][0]["value"], "CgxPVVRfT0ZfU1RPQ0sSBHNob3AaDQoIb3JkZXJfaWQSATc");
    let debug = json!({"reason": "OUT_OF_STOCK", "domain": "shop", "metadata": {"order_id": "7"}});
    assert_eq!(error["details"][0]["debug"], debug);
    assert_eq!(error["details"][1]["type"], "google.rpc.BadRequest");
    let violation = json!({"field": "lines[0].quantity", "description": "must be positive"});
    assert_eq!(error["details"][1]["debug"]["fieldViolations"][0], violation);
    assert!(reply.header("grpc-status-details-bin").is_none() && reply.header("trailer-grpc-status").is_none());
}

#[tokio::test]
async fn details_of_a_type_that_nobody_knows_are_passed_on_without_being_shown() {
    // code 5, one detail of type "x/unknown.v1.Thing" with the bytes 08 01.
    let refusal = Answer::grpc()
        .header("grpc-status", "5")
        .header("grpc-message", "none%3A%20%E2%82%AC")
        .header("grpc-status-details-bin", "CAUaGAoSeC91bmtub3duLnYxLlRoaW5nEgIIAQ");
    let reply = call(&gateway(careless(refusal)), request(JSON, GET), "{}").await;
    let details = json!([{"type": "unknown.v1.Thing", "value": "CAE"}]);
    assert_eq!(json_of(&reply), json!({"code": "not_found", "message": "none: €", "details": details}));
}

#[tokio::test]
async fn a_message_before_an_error_does_not_make_it_a_success() {
    let answer = Answer::grpc().data(message(&text("half"))).trailers(&[("grpc-status", "13"), ("x-cost", "3")]);
    let reply = call(&gateway(careless(answer)), request(JSON, GET), "{}").await;
    assert_eq!((reply.status.as_u16(), json_of(&reply)), (500, json!({"code": "internal"})));
    assert_eq!(reply.header("trailer-x-cost"), Some("3"));
}

#[tokio::test]
async fn what_an_upstream_does_wrong_is_told() {
    let ok = &[("grpc-status", "0")];
    for (answer, said) in [
        (Answer::grpc().trailers(ok), "exactly one message"),
        (Answer::grpc().data(message(b"")).data(message(b"")).trailers(ok), "exactly one message"),
        (Answer::unary(b"\x0a\xffno message"), "cannot be written as JSON"),
        (
            Answer::grpc().data(crate::support::frame(1, b"a")).trailers(ok),
            "compressed in a way that was not asked for",
        ),
        (Answer::grpc().data(message(&text("a"))), "without trailers"),
    ] {
        let reply = call(&gateway(careless(answer)), request(JSON, GET), "{}").await;
        let error = json_of(&reply);
        assert_eq!((reply.status.as_u16(), &error["code"]), (500, &"internal".into()), "{said}");
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
        assert_eq!(error["details"][0]["debug"]["reason"], "UPSTREAM_MALFORMED");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_call() {
    let (upstream, _at_upstream) = silent();
    let asked = request(JSON, GET).header("connect-timeout-ms", "50");
    let reply = call(&gateway(upstream), asked, "{}").await;
    assert_eq!((reply.status.as_u16(), json_of(&reply)["code"].as_str()), (504, Some("deadline_exceeded")));
}

#[tokio::test]
async fn messages_that_are_too_long_are_refused_in_every_form() {
    let gateway = gateway_with(crate::support::upstream::echo(), |config| {
        config.messages.max_request_bytes = 100;
    });
    let gateway = gateway.service();
    let long = format!(r#"{{"text": "{}"}}"#, "a".repeat(100));
    let bomb = super::gzip(&long.clone().into());
    let chunked = long.as_bytes().chunks(60).map(bytes::Bytes::copy_from_slice).collect();
    let replies = [
        call(&gateway, request(JSON, GET), long.clone()).await,
        call(&gateway, request(PROTO, GET), long).await,
        call(&gateway, request(JSON, GET).header("content-encoding", "gzip"), bomb).await,
        crate::support::client::call_in_chunks(&gateway, request(JSON, GET), chunked).await,
    ];
    for reply in replies {
        let error = json_of(&reply);
        assert_eq!((reply.status.as_u16(), error["code"].as_str()), (429, Some("resource_exhausted")), "{error}");
        assert_eq!(error["details"][0]["debug"]["reason"], "MESSAGE_TOO_LONG");
    }
}
