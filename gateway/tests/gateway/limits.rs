//! How much one caller, and all of them together, may ask of the gateway.

use std::time::Duration;

use bojagi_gateway::{GatewayConfig, RateLimitConfig};
use http_body_util::{BodyExt, Full};
use tonic::Code;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, WEB, call, request, send};
use crate::support::upstream::{careless, echo, silent};
use crate::support::{gateway_with, message};

const GET: &str = "/shop.v1.Orders/Get";
const MINE: &str = "/shop.v1.Orders/Mine";

fn once_a_minute(config: &mut GatewayConfig) {
    config.rate_limits = RateLimitConfig { calls_per_minute: 1, burst: 1 };
}

#[tokio::test(start_paused = true)]
async fn an_account_that_calls_too_often_is_told_when_to_try_again() {
    let gateway = gateway_with(echo(), |config| {
        config.rate_limits = RateLimitConfig { calls_per_minute: 6, burst: 2 };
    });
    let service = gateway.service();
    let ask = |token: &'static str, content_type| {
        call(&service, request(content_type, MINE).header("authorization", format!("Bearer {token}")), message(b""))
    };
    for content_type in [WEB, NATIVE] {
        assert_eq!(ask("customer", content_type).await.code(), Code::Ok);
    }
    let refused = ask("customer", WEB).await;
    assert_eq!((refused.code(), refused.reason().as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
    let retry = refused.details().retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(10)));
    assert_eq!(ask("seller", WEB).await.code(), Code::Ok, "another account has calls of its own");

    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(ask("customer", NATIVE).await.code(), Code::Ok);
    assert_eq!(ask("customer", NATIVE).await.code(), Code::ResourceExhausted);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_refused_at_the_door_do_not_count() {
    let gateway = gateway_with(echo(), once_a_minute);
    let service = gateway.service();
    let ask = |path, token| call(&service, request(WEB, path).header("authorization", token), message(b""));
    for _ in 0..3 {
        assert_eq!(ask("/shop.v1.Orders/Sell", "Bearer customer").await.code(), Code::PermissionDenied);
        assert_eq!(ask(MINE, "Bearer unknown").await.code(), Code::Unauthenticated);
    }
    assert_eq!(ask(MINE, "Bearer customer").await.code(), Code::Ok);
    assert_eq!(ask(MINE, "Bearer customer").await.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn nobody_is_limited_unless_configured() {
    let gateway = gateway_with(echo(), |_| {});
    for _ in 0..300 {
        let asked = request(WEB, MINE).header("authorization", "Bearer customer");
        assert_eq!(call(&gateway.service(), asked, message(b"")).await.code(), Code::Ok);
    }
}

#[tokio::test]
async fn a_call_too_many_is_refused_until_another_one_is_over() {
    let (upstream, _at_upstream) = silent();
    let gateway = gateway_with(upstream, |config| config.limits.max_calls = 1);
    let service = gateway.service();
    let asked = request(WEB, GET).body(Full::new(message(b""))).unwrap();
    let mut first = Box::pin(send(&service, asked));
    assert!(futures::poll!(first.as_mut()).is_pending());

    let refused = call(&service, request(WEB, MINE), message(b"")).await;
    assert_eq!((refused.code(), refused.reason().as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    drop(first);
    let next = call(&service, request(WEB, MINE), message(b"")).await;
    assert_eq!(next.reason(), "TOKEN_MISSING", "there is room for it, and so it comes to the door");
}

#[tokio::test]
async fn a_stream_has_its_place_until_its_end() {
    let upstream = careless(Answer::grpc().data(message(b"one")).never());
    let gateway = gateway_with(upstream, |config| config.limits.max_calls = 1);
    let service = gateway.service();
    let asked = request(WEB, "/shop.v1.Orders/Watch").body(Full::new(message(b""))).unwrap();
    let mut watched = send(&service, asked).await;
    assert!(watched.body_mut().frame().await.is_some());
    assert_eq!(call(&service, request(WEB, MINE), message(b"")).await.reason(), "OVERLOADED");
    drop(watched);
    assert_eq!(call(&service, request(WEB, MINE), message(b"")).await.reason(), "TOKEN_MISSING");
}

#[test]
fn limits_that_make_no_sense_are_told() {
    let rate_limits = RateLimitConfig { calls_per_minute: 5, burst: 0 };
    let mut config = GatewayConfig { rate_limits, ..GatewayConfig::default() };
    config.limits.max_rates = 0;
    config.limits.max_calls = usize::MAX;
    let told: Vec<_> = config.mistakes().iter().map(|mistake| mistake.option().to_owned()).collect();
    assert_eq!(told, ["limits.max_calls", "limits.max_rates", "rate_limits.burst"]);
}
