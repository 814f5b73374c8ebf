//! Every kind of caller on every kind of method.

use tonic::Code::{self, Ok, PermissionDenied, Unauthenticated, Unavailable, Unimplemented};

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, Reply, WEB, call, request};
use crate::support::upstream::{answering, careless};
use crate::support::{gateway, message};

const PUBLIC: &str = "/shop.v1.Orders/Get";
const SIGNED_IN: &str = "/shop.v1.Orders/Mine";
const BY_ROLE: &str = "/shop.v1.Orders/Sell";
const INTERNAL: &str = "/shop.v1.Orders/Repair";
const WITHOUT_POLICY: &str = "/shop.v1.Orders/Unruled";
const UNKNOWN: &str = "/shop.v1.Orders/Nothing";

async fn call_as(content_type: &str, authorization: Option<&str>, path: &str) -> Reply {
    let gateway = gateway(careless(Answer::unary(b"answer")));
    let request = request(content_type, path);
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    call(&gateway, request, message(b"")).await
}

#[tokio::test]
async fn the_matrix() {
    let methods = [PUBLIC, SIGNED_IN, BY_ROLE, INTERNAL, WITHOUT_POLICY, UNKNOWN];
    let nobody = [Ok, Unauthenticated, Unauthenticated, Unimplemented, Unimplemented, Unimplemented];
    let callers: [(Option<&str>, [Code; 6]); 10] = [
        (None, nobody),
        (Some("Bearer expired"), nobody),
        (Some("Bearer forged"), nobody),
        (Some("Bearer "), nobody),
        (Some("Bearer"), nobody),
        (Some("Basic seller"), nobody),
        (Some("seller"), nobody),
        (Some("Bearer keyless"), [Ok, Unavailable, Unavailable, Unimplemented, Unimplemented, Unimplemented]),
        (Some("Bearer customer"), [Ok, Ok, PermissionDenied, Unimplemented, Unimplemented, Unimplemented]),
        (Some("bearer  seller"), [Ok, Ok, Ok, Unimplemented, Unimplemented, Unimplemented]),
    ];
    for (authorization, expected) in callers {
        for (path, expected) in methods.into_iter().zip(expected) {
            for content_type in [WEB, NATIVE] {
                let reply = call_as(content_type, authorization, path).await;
                assert_eq!(reply.code(), expected, "{authorization:?} on {path} over {content_type}");
                assert_eq!(reply.status, 200);
                if expected != Ok {
                    assert!(reply.headers.contains_key("grpc-status"), "a refusal is trailers-only");
                    assert!(reply.body.is_empty() && reply.trailers.is_none());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_how_to_do_better() {
    for (authorization, path, reason, challenge) in [
        (None, SIGNED_IN, "TOKEN_MISSING", r#"Bearer realm="bojagi""#),
        (
            Some("Bearer forged"),
            SIGNED_IN,
            "TOKEN_INVALID",
            r#"Bearer realm="bojagi", error="invalid_token", error_description="the token is not valid""#,
        ),
        (
            Some("Bearer expired"),
            SIGNED_IN,
            "TOKEN_EXPIRED",
            r#"Bearer realm="bojagi", error="invalid_token", error_description="the token has expired""#,
        ),
        (Some("Bearer customer"), BY_ROLE, "ROLE_REQUIRED", r#"Bearer realm="bojagi", error="insufficient_scope""#),
    ] {
        let reply = call_as(WEB, authorization, path).await;
        assert_eq!(reply.reason(), reason);
        assert_eq!(reply.header("www-authenticate"), Some(challenge));
        assert!(!reply.grpc_status().message().is_empty());
    }
    let reply = call_as(WEB, Some("Bearer customer"), BY_ROLE).await;
    assert_eq!(reply.details().error_info().unwrap().metadata["roles"], "seller, admin");
    let reply = call_as(WEB, Some("Bearer keyless"), SIGNED_IN).await;
    assert_eq!((reply.reason().as_str(), reply.header("www-authenticate")), ("KEYS_UNAVAILABLE", None));
}

#[tokio::test]
async fn an_internal_method_looks_like_one_that_does_not_exist() {
    let unknown = call_as(WEB, Some("Bearer seller"), UNKNOWN).await;
    for hidden in [INTERNAL, WITHOUT_POLICY, "/shop.v1.Workshop/Build", "/other.v1.Things/Get", "/", "/shop.v1.Orders"]
    {
        let reply = call_as(WEB, Some("Bearer seller"), hidden).await;
        let as_unknown = |reply: &Reply, path: &str| {
            let status = reply.grpc_status();
            let names: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
            (status.code(), status.message().replace(path, "PATH"), status.details().to_vec(), names)
        };
        assert_eq!(as_unknown(&reply, hidden), as_unknown(&unknown, UNKNOWN), "{hidden}");
    }
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let gateway = gateway(careless(Answer::unary(b"")));
    let twice =
        request(WEB, SIGNED_IN).header("authorization", "Bearer seller").header("authorization", "Bearer seller");
    assert_eq!(call(&gateway, twice, message(b"")).await.reason(), "TOKEN_INVALID");
}

#[tokio::test]
async fn the_token_goes_on_to_the_service() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let asked = request(WEB, SIGNED_IN).header("authorization", "Bearer customer");
    assert_eq!(call(&gateway(upstream), asked, message(b"")).await.code(), Ok);
    assert_eq!(received.recv().await.unwrap().header("authorization"), Some("Bearer customer"));
}

#[tokio::test]
async fn who_is_refused_costs_the_upstream_nothing() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway(upstream);
    for path in [SIGNED_IN, BY_ROLE, INTERNAL, UNKNOWN] {
        call(&gateway, request(WEB, path), message(b"")).await;
    }
    assert!(received.try_recv().is_err());
}
