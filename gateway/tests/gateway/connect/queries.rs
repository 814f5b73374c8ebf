//! Calls by GET, with the message in the query.

use serde_json::json;

use super::{JSON, PROTO, get, json_of, text};
use crate::support::answer::Answer;
use crate::support::client::{Reply, call, request};
use crate::support::upstream::{answering, careless};
use crate::support::{gateway, message};

const LOOK: &str = "/shop.v1.Orders/Look";

#[tokio::test(start_paused = true)]
async fn a_method_that_only_looks_can_be_called_by_get() {
    for (query, content_type) in [
        ("connect=v1&encoding=json&message=%7B%22text%22%3A%22tea+%3F%22%7D", JSON),
        ("encoding=json&base64=1&message=eyJ0ZXh0IjoidGVhID8ifQ", JSON),
        ("encoding=proto&base64=1&message=CgV0ZWEgPw%3D%3D", PROTO),
    ] {
        let (upstream, mut received) = answering(Answer::unary(&text("green")));
        let reply =
            call(&gateway(upstream), get(&format!("{LOOK}?{query}")).header("connect-timeout-ms", "9"), "").await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, Some(content_type)), "{query}");
        if content_type == JSON {
            assert_eq!(json_of(&reply), json!({"text": "green"}));
        } else {
            assert_eq!(reply.body, text("green"));
        }
        let received = received.recv().await.unwrap();
        assert_eq!((received.head.method.as_str(), received.head.uri.to_string().as_str()), ("POST", LOOK));
        assert_eq!(received.header("grpc-timeout"), Some("9000u"));
        assert_eq!(received.body.unwrap(), message(&text("tea ?")));
    }
}

#[tokio::test]
async fn caches_do_with_an_answer_what_the_service_says_and_nothing_else() {
    let query = format!("{LOOK}?encoding=json&message=%7B%7D");
    let varies = |reply: &Reply| {
        let values = reply.headers.get_all("vary").iter().map(|value| value.to_str().unwrap());
        values.flat_map(|value| value.split(", ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let silent = call(&gateway(careless(Answer::unary(b""))), get(&query), "").await;
    assert_eq!((silent.status.as_u16(), silent.header("cache-control")), (200, Some("no-cache")));
    assert_eq!(varies(&silent), ["accept-encoding", "authorization", "origin"]);

    let fresh = Answer::unary(b"").header("cache-control", "max-age=60");
    let fresh = call(&gateway(careless(fresh)), get(&query), "").await;
    assert_eq!((fresh.status.as_u16(), fresh.header("cache-control")), (200, Some("max-age=60")));

    let refusal = Answer::grpc().header("grpc-status", "5");
    let refused = call(&gateway(careless(refusal)), get(&query), "").await;
    assert_eq!((refused.status.as_u16(), refused.header("cache-control")), (404, Some("no-cache")));

    let posted = call(&gateway(careless(Answer::unary(b""))), request(JSON, LOOK), "{}").await;
    assert_eq!(
        (posted.header("cache-control"), varies(&posted)),
        (None, vec!["accept-encoding".into(), "origin".into()])
    );
}

#[tokio::test]
async fn a_method_that_may_do_something_cannot() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    // It may be repeated safely, and still it is not for links.
    let reply = call(&gateway(upstream), get("/shop.v1.Orders/Get?encoding=json&message=%7B%7D"), "").await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, Some("POST")));
    assert_eq!(json_of(&reply)["details"][0]["debug"]["reason"], "METHOD_NOT_BY_GET");
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_query_that_is_none() {
    let gateway = gateway(careless(Answer::unary(b"")));
    for (query, status) in [
        ("", 405),
        ("?encoding=json", 405),
        ("?encoding=xml&message=%7B%7D", 415),
        ("?encoding=json&base64=1&message=!!", 400),
        ("?encoding=json&connect=v2&message=%7B%7D", 400),
        ("?encoding=json&message=%7B", 400),
        ("?encoding=json&message=%7B%7D&compression=br", 501),
    ] {
        let reply = call(&gateway, get(&format!("{LOOK}{query}")), "").await;
        assert_eq!(reply.status.as_u16(), status, "{query}");
    }
    assert_eq!(call(&gateway, get("/shop.v1.Orders/None?encoding=json&message=%7B%7D"), "").await.status, 404);
    assert_eq!(call(&gateway, request(JSON, LOOK), "{}").await.status, 200, "POST goes as well");
}
