//! What of a request's headers reaches the upstream.

use http::HeaderName;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, WEB, call, request};
use crate::support::upstream::{Received, answering};
use crate::support::{gateway, message};

const GET: &str = "/shop.v1.Orders/Get";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

async fn received(content_type: &str, headers: &[(&str, &str)]) -> Received {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let request =
        headers.iter().fold(request(content_type, GET), |request, (name, value)| request.header(*name, *value));
    call(&gateway(upstream), request, message(b"")).await;
    received.recv().await.unwrap()
}

#[tokio::test]
async fn what_only_the_gateway_may_say_is_removed() {
    let spoofed = [
        ("x-user-id", "1"),
        ("X-User-Roles", "admin"),
        ("x-bojagi-workload", "order"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("grpc-status", "0"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic eA=="),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip"),
        ("trailer", "x-end"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("connection", "close, X-Listed"),
        ("x-listed", "1"),
    ];
    for content_type in [WEB, NATIVE] {
        let received = received(content_type, &spoofed).await;
        for (name, _) in spoofed {
            let left = received.header(&name.to_ascii_lowercase());
            match name {
                "te" => assert_eq!(left, Some("trailers"), "{content_type}"),
                "x-forwarded-proto" => assert_eq!(left, Some("http"), "{content_type}"),
                _ => assert_eq!(left, None, "{name}, {content_type}"),
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_says_for_itself_stays() {
    let kept = [
        ("authorization", "Bearer seller"),
        ("user-agent", "grpcurl/1.9"),
        ("x-user-agent", "grpc-web-javascript/0.1"),
        ("grpc-encoding", "gzip"),
        ("grpc-accept-encoding", "gzip, identity"),
        ("x-cart", "7"),
        ("x-trace-bin", "AAEC"),
        ("x-userland", "yes"),
    ];
    let received = received(WEB, &kept).await;
    for (name, value) in kept {
        assert_eq!(received.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_request_id_is_always_new_and_goes_back_to_the_client() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway(upstream);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let reply = call(&gateway, request(WEB, GET).header("x-request-id", "mine"), message(b"")).await;
        let id = reply.header("x-request-id").unwrap().to_owned();
        assert_eq!(received.recv().await.unwrap().header("x-request-id"), Some(id.as_str()));
        ids.push(id);
    }
    assert!(ids[0] != ids[1] && ids[0].len() == 36, "{ids:?}");
}

#[tokio::test]
async fn a_trace_is_continued_or_begun() {
    let continued = received(WEB, &[("traceparent", PARENT), ("tracestate", "a=b")]).await;
    let span = continued.header("traceparent").unwrap();
    assert_eq!(span[..36], PARENT[..36], "the trace of the client");
    assert!(span.len() == 55 && span[36..52] != PARENT[36..52], "with a span of the gateway: {span}");
    assert_eq!(continued.header("tracestate"), Some("a=b"));

    let lines = [("traceparent", PARENT), ("tracestate", "a=b , c=d"), ("tracestate", "e=f")];
    assert_eq!(received(NATIVE, &lines).await.header("tracestate"), Some("a=b,c=d,e=f"), "one list in several lines");
    let no_list = received(NATIVE, &[("traceparent", PARENT), ("tracestate", "a=b,c")]).await;
    assert_eq!(no_list.header("traceparent").map(|parent| &parent[..36]), Some(&PARENT[..36]));
    assert_eq!(no_list.header("tracestate"), None, "what is malformed goes without its parent");

    let malformed = PARENT.to_uppercase();
    for of_client in [
        &[][..],
        &[("traceparent", malformed.as_str()), ("tracestate", "a=b")],
        &[("traceparent", PARENT), ("traceparent", PARENT), ("tracestate", "a=b")],
        &[("tracestate", "a=b")],
    ] {
        let begun = received(WEB, of_client).await;
        let parent = begun.header("traceparent").unwrap();
        assert!(parent.len() == 55 && parent != PARENT && parent != malformed, "{parent}");
        assert_eq!(begun.header("tracestate"), None);
        assert_eq!(begun.head.headers.get_all(HeaderName::from_static("traceparent")).iter().count(), 1);
    }
}
