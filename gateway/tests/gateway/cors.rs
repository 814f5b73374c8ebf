//! What a browser needs to let a page call, and what it must not be told.

use bojagi_gateway::GatewayService;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use tonic::Code;

use crate::support::answer::Answer;
use crate::support::client::{Reply, WEB, call, read, request, send};
use crate::support::upstream::{answering, careless};
use crate::support::{gateway_with, message};

const GET: &str = "/shop.v1.Orders/Get";
const SHOP: &str = "https://shop.example";

fn gateway(origin: &str, answer: Answer) -> GatewayService {
    gateway_with(careless(answer), |config| config.cors.allowed_origins = vec![origin.to_owned()]).service()
}

async fn preflight(gateway: &GatewayService, origin: &str) -> Reply {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(GET)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-grpc-web")
        .body(Full::new(Bytes::new()))
        .unwrap();
    read(send(gateway, request).await).await
}

#[tokio::test]
async fn a_preflight_is_answered_here() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway_with(upstream, |config| config.cors.allowed_origins = vec![SHOP.to_owned()]).service();

    let reply = preflight(&gateway, SHOP).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (204, 0));
    assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP));
    assert_eq!(reply.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(reply.header("access-control-max-age"), Some("7200"));
    assert_eq!(reply.header("vary"), Some("origin, access-control-request-method"));
    let allowed: Vec<_> = reply.header("access-control-allow-headers").unwrap().split(", ").collect();
    for needed in ["authorization", "content-type", "x-grpc-web", "x-user-agent", "grpc-timeout"] {
        assert!(allowed.contains(&needed), "{needed}");
    }
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_preflight_of_another_origin_is_refused_here() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway_with(upstream, |config| config.cors.allowed_origins = vec![SHOP.to_owned()]).service();

    for origin in ["https://shop.example.evil", "http://shop.example", "null"] {
        let reply = preflight(&gateway, origin).await;
        assert_eq!(reply.status, 403, "{origin}");
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
        assert_eq!(reply.header("access-control-allow-headers"), None, "{origin}");
        assert!(reply.header("vary").unwrap().contains("origin"), "{origin}");
    }
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn what_is_really_sent_is_exposed_and_nothing_else() {
    let refusal = Answer::grpc()
        .header("grpc-status", "5")
        .header("grpc-message", "no such order")
        .header("grpc-status-details-bin", "CAU")
        .header("x-own", "1");
    let reply = call(&gateway(SHOP, refusal), request(WEB, GET).header("origin", SHOP), message(b"")).await;
    assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP));
    assert_eq!(reply.header("vary"), Some("origin"));
    assert_eq!(exposed(&reply), ["grpc-message", "grpc-status", "grpc-status-details-bin", "x-own", "x-request-id"]);

    let reply = call(&gateway(SHOP, Answer::unary(b"")), request(WEB, GET).header("origin", SHOP), message(b"")).await;
    assert_eq!(exposed(&reply), ["x-request-id"], "the status is in the body");
}

fn exposed(reply: &Reply) -> Vec<&str> {
    let mut names: Vec<_> = reply.header("access-control-expose-headers").unwrap().split(", ").collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn refusals_can_be_read_by_the_page() {
    let gateway = gateway(SHOP, Answer::unary(b""));
    let of_the_page = |request: http::request::Builder| request.header("origin", SHOP);

    let wrong_method = of_the_page(Request::get(GET)).body(Full::new(Bytes::new())).unwrap();
    let reply = read(send(&gateway, wrong_method).await).await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (405, Some(SHOP)));
    assert_eq!(exposed(&reply), ["allow", "x-request-id"]);

    let reply = call(&gateway, of_the_page(request("application/xml", GET)), "{}").await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (415, Some(SHOP)));

    let reply = call(&gateway, of_the_page(request(WEB, "/shop.v1.Orders/Mine")), message(b"")).await;
    assert_eq!((reply.code(), reply.header("access-control-allow-origin")), (Code::Unauthenticated, Some(SHOP)));
    assert!(exposed(&reply).contains(&"www-authenticate") && exposed(&reply).contains(&"grpc-status-details-bin"));
}

#[tokio::test]
async fn any_origin_for_development() {
    let gateway = gateway("*", Answer::unary(b""));
    assert_eq!(preflight(&gateway, "http://localhost:5173").await.header("access-control-allow-origin"), Some("*"));
    let reply = call(&gateway, request(WEB, GET).header("origin", "http://localhost:5173"), message(b"")).await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn other_clients_see_no_cors_but_vary() {
    let reply = call(&gateway(SHOP, Answer::unary(b"")), request(WEB, GET), message(b"")).await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert_eq!(reply.header("access-control-expose-headers"), None);
    assert_eq!(reply.header("vary"), Some("origin"), "a cache must not give this answer to a page");
}

#[tokio::test]
async fn what_a_service_says_about_origins_does_not_count() {
    let answer = Answer::unary(b"")
        .header("access-control-allow-origin", "*")
        .header("access-control-allow-credentials", "true")
        .header("vary", "accept-language");
    let asked = request(WEB, GET).header("origin", "https://other.example");
    let reply = call(&gateway(SHOP, answer), asked, message(b"")).await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    let vary: Vec<_> = reply.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["accept-language", "origin"]);
}
