//! What the gateway refuses of this protocol, and what it says.

use serde_json::{Value, json};

use super::{GET, JSON, PROTO, json_of};
use crate::support::answer::Answer;
use crate::support::client::{call, request};
use crate::support::gateway;
use crate::support::log::Log;
use crate::support::upstream::answering;

#[tokio::test]
async fn json_that_is_not_that_of_the_message() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway(upstream);
    for (body, field, said) in [
        ("", "", "EOF while parsing"),
        ("[]", "", "expected a map"),
        (r#"{"text": "a"} more"#, "", "trailing characters"),
        (r#"{"text": 5}"#, "text", "expected a string"),
        (r#"{"txt": "a"}"#, "", "unrecognized field name 'txt'"),
        ("{\"text\": \"\u{1}\"}", "text", "control character"),
    ] {
        let reply = call(&gateway, request(JSON, GET), body).await;
        let error = json_of(&reply);
        assert_eq!((reply.status.as_u16(), error["code"].as_str()), (400, Some("invalid_argument")), "{body}");
        assert!(error["message"].as_str().unwrap().contains(said), "{body}: {error}");
        assert_eq!(error["details"][0]["debug"]["reason"], "JSON_MALFORMED");
        let violation = &error["details"][1]["debug"]["fieldViolations"][0];
        assert_eq!(violation["field"].as_str().unwrap_or_default(), field, "{body}: {error}");
        assert!(violation["description"].as_str().unwrap().contains(said), "{body}: {error}");
    }
    assert!(received.try_recv().is_err(), "the service does not hear of it");
}

#[tokio::test]
async fn the_log_says_where_a_mistake_is_and_not_what_stands_there() {
    let log = Log::begin();
    let (upstream, _received) = answering(Answer::unary(b""));
    let gateway = gateway(upstream);
    let long = "/shop.v1.Orders/Describe";
    let mistakes = [
        (GET, r#"{"text": 12345678}"#, "text"),
        (GET, r#"{"text": {"hunter2": 1}}"#, "text"),
        (GET, r#"{"hunter2": 1}"#, ""),
        (long, r#"{"line_items": [{}, {"text": 12345678}]}"#, "line_items[1].text"),
        (long, r#"{"byKey": {"12345678": 5}}"#, "byKey"),
        (long, r#"{"byKey": {"hunter2": "x"}}"#, "byKey"),
        (long, "{\"free\": {\"hunter2\": [{\"hunter2\": \"\u{1}\"}]}}", "free"),
        (long, r#"{"detail": {"@type": "type.googleapis.com/shop.v1.Text", "hunter2": 5}}"#, "detail"),
    ];
    for (path, body, _) in mistakes {
        assert_eq!(call(&gateway, request(JSON, path), body).await.status, 400, "{body}");
    }
    let text = log.text();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let places: Vec<_> = lines.filter_map(|line| line.get("place").cloned()).collect();
    assert_eq!(places, mistakes.map(|(_, _, place)| place));
    assert!(!text.contains("12345678") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn the_place_of_a_mistake_is_told() {
    let (upstream, _received) = answering(Answer::unary(b""));
    let nested = r#"{"lineItems": [{"text": "a"}, {"text": "b", "size": 3}]}"#;
    let reply = call(&gateway(upstream), request(JSON, "/shop.v1.Orders/Describe"), nested).await;
    let violation = &json_of(&reply)["details"][1]["debug"]["fieldViolations"][0];
    assert_eq!(violation["field"], "lineItems[1]", "{violation}");
    assert!(violation["description"].as_str().unwrap().contains("'size'"), "{violation}");
}

#[tokio::test]
async fn methods_that_are_not_to_be_had_this_way() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway(upstream);
    let streams = json!("METHOD_STREAMS");
    for (path, status, reason) in [
        ("/shop.v1.Orders/Watch", 415, &streams),
        ("/shop.v1.Orders/Upload", 415, &streams),
        ("/shop.v1.Orders/Talk", 415, &streams),
        ("/shop.v1.Orders/None", 404, &Value::Null),
        ("/shop.v1.Orders/Repair", 404, &Value::Null),
    ] {
        for content_type in [JSON, PROTO] {
            let reply = call(&gateway, request(content_type, path), "{}").await;
            let error = json_of(&reply);
            assert_eq!((reply.status.as_u16(), error["code"].as_str()), (status, Some("unimplemented")), "{path}");
            assert_eq!(&error["details"][0]["debug"]["reason"], reason, "{path}");
        }
    }
    for content_type in ["application/connect+json", "application/connect+proto", "application/xml"] {
        assert_eq!(call(&gateway, request(content_type, GET), "{}").await.status, 415, "{content_type}");
    }
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn headers_that_cannot_be_understood() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway(upstream);
    for (name, value, status, reason) in [
        ("connect-timeout-ms", "soon", 400, json!("TIMEOUT_MALFORMED")),
        ("connect-timeout-ms", "12345678901", 400, json!("TIMEOUT_MALFORMED")),
        ("connect-protocol-version", "2", 400, json!("REQUEST_MALFORMED")),
        ("content-encoding", "br", 501, Value::Null),
    ] {
        let reply = call(&gateway, request(JSON, GET).header(name, value), "{}").await;
        let error = json_of(&reply);
        assert_eq!((reply.status.as_u16(), &error["details"][0]["debug"]["reason"]), (status, &reason), "{name}");
    }
    let broken = request(JSON, GET).header("content-encoding", "gzip");
    assert_eq!(json_of(&call(&gateway, broken, "{}").await)["code"], "invalid_argument");
    assert!(received.try_recv().is_err());
}
