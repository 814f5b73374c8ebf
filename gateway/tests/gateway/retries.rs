//! Calls that are sent once more. The clock of the runtime is paused: pauses take no time, and every one can be seen.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bojagi_gateway::{GatewayConfig, Upstream, upstream};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tonic::Code;
use tonic::body::Body;
use tower::BoxError;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, Reply, WEB, call, read, request, send};
use crate::support::log::Log;
use crate::support::{gateway_with, message};

/// Safe, by its policy.
const GET: &str = "/shop.v1.Orders/Get";
/// Not safe; needs a token.
const MINE: &str = "/shop.v1.Orders/Mine";
/// A stream of answers, safe.
const FOLLOW: &str = "/shop.v1.Orders/Follow";
/// A stream of answers, not safe.
const WATCH: &str = "/shop.v1.Orders/Watch";

/// An attempt as it reached the upstream.
#[derive(Clone, Debug)]
struct Attempt {
    at: Instant,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Attempt {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What an upstream does for an attempt.
#[derive(Clone)]
enum Act {
    Answers(Answer),
    /// Resets the stream before the headers.
    Resets(h2::Reason),
}

/// An upstream that does the first thing for the first attempt, and so on; the last thing again and again.
fn scripted(acts: Vec<Act>) -> (Upstream, Arc<Mutex<Vec<Attempt>>>) {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&attempts);
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (seen, acts) = (Arc::clone(&seen), acts.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let mut seen = seen.lock().unwrap();
            seen.push(Attempt { at: Instant::now(), headers: head.headers, body });
            match &acts[(seen.len() - 1).min(acts.len() - 1)] {
                Act::Answers(answer) => Ok(answer.to_response()),
                Act::Resets(reason) => Err(BoxError::from(h2::Error::from(*reason))),
            }
        }
    });
    (upstream(service), attempts)
}

fn in_headers() -> Act {
    Act::Answers(Answer::grpc().header("grpc-status", "14"))
}

fn in_trailers() -> Act {
    Act::Answers(Answer::grpc().trailers(&[("grpc-status", "14")]))
}

fn well() -> Act {
    Act::Answers(Answer::unary(b"well"))
}

async fn called(path: &str, acts: Vec<Act>) -> (Reply, Vec<Attempt>) {
    called_with(path, acts, |_| {}).await
}

async fn called_with(path: &str, acts: Vec<Act>, configure: impl FnOnce(&mut GatewayConfig)) -> (Reply, Vec<Attempt>) {
    let (upstream, attempts) = scripted(acts);
    let gateway = gateway_with(upstream, configure).service();
    let asked = request(WEB, path).header("authorization", "Bearer customer");
    let reply = call(&gateway, asked, message(b"ask")).await;
    let attempts = attempts.lock().unwrap().clone();
    (reply, attempts)
}

#[tokio::test(start_paused = true)]
async fn unavailable_before_the_first_message_is_tried_again_wherever_the_status_stands() {
    let http = || Act::Answers(Answer::unary(b"").http_status(503));
    let broken = || Act::Answers(Answer::grpc().fail(tonic::Status::unavailable("gone")));
    let empty_first = || Act::Answers(Answer::grpc().data(Bytes::new()).trailers(&[("grpc-status", "14")]));
    for (what, act) in [
        ("headers", in_headers()),
        ("trailers", in_trailers()),
        ("HTTP status", http()),
        ("a body that breaks off", broken()),
        ("an empty chunk and trailers", empty_first()),
        ("a refusal", Act::Resets(h2::Reason::REFUSED_STREAM)),
    ] {
        for path in [GET, FOLLOW] {
            let (reply, attempts) = called(path, vec![act.clone(), act.clone(), well()]).await;
            assert_eq!((reply.code(), reply.messages()), (Code::Ok, vec![Bytes::from("well")]), "{what} of {path}");
            assert_eq!(attempts.len(), 3, "{what} of {path}");
            assert!(
                attempts.iter().all(|attempt| attempt.body == message(b"ask")),
                "each attempt has the whole request"
            );
            let previous: Vec<_> =
                attempts.iter().map(|attempt| attempt.header("grpc-previous-rpc-attempts")).collect();
            assert_eq!(previous, [None, Some("1"), Some("2")], "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_attempt_would_not_mend_is_passed_on() {
    let after_a_message = Act::Answers(Answer::grpc().data(message(b"one")).trailers(&[("grpc-status", "14")]));
    let aborted = Act::Answers(Answer::grpc().header("grpc-status", "10"));
    let internal = Act::Answers(Answer::grpc().trailers(&[("grpc-status", "13")]));
    let reset = Act::Resets(h2::Reason::INTERNAL_ERROR);
    for (path, act, code) in [
        (GET, after_a_message, Code::Unavailable),
        (GET, aborted, Code::Aborted),
        (GET, internal, Code::Internal),
        (GET, reset, Code::Internal),
        (MINE, in_headers(), Code::Unavailable),
        (MINE, in_trailers(), Code::Unavailable),
        (WATCH, in_trailers(), Code::Unavailable),
    ] {
        let (reply, attempts) = called(path, vec![act, well()]).await;
        assert_eq!((reply.code(), attempts.len()), (code, 1), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_is_tried_again_whatever_the_method() {
    for path in [MINE, WATCH, "/shop.v1.Orders/Upload", "/shop.v1.Orders/Talk"] {
        let (reply, attempts) = called(path, vec![Act::Resets(h2::Reason::REFUSED_STREAM), well()]).await;
        assert_eq!((reply.code(), attempts.len()), (Code::Ok, 2), "{path}");
        assert_eq!(attempts[1].body, message(b"ask"), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_what_the_client_gets() {
    let (reply, attempts) = called(GET, vec![in_headers(), in_trailers()]).await;
    assert_eq!((reply.code(), attempts.len()), (Code::Unavailable, 3));
    let (reply, attempts) = called_with(GET, vec![in_headers()], |config| config.retries.attempts = 1).await;
    assert_eq!((reply.code(), attempts.len()), (Code::Unavailable, 1));
    let (reply, attempts) = called(MINE, vec![Act::Resets(h2::Reason::REFUSED_STREAM)]).await;
    assert_eq!((reply.code(), attempts.len()), (Code::Unavailable, 3));
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_stay_below_their_bounds() {
    let (_, attempts) = called_with(GET, vec![in_headers()], |config| {
        (config.retries.attempts, config.retries.first_ms, config.retries.longest_ms) = (6, 100, 300);
        config.retries.budget_least_per_second = 100;
    })
    .await;
    let pauses: Vec<_> = attempts.windows(2).map(|two| two[1].at - two[0].at).collect();
    assert_eq!(pauses.len(), 5);
    for (pause, bound) in pauses.into_iter().zip([100, 200, 300, 300, 300]) {
        // The timer of the runtime counts in whole milliseconds.
        assert!(pause <= Duration::from_millis(bound + 1), "{pause:?} of at most {bound} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn the_upstream_says_when_to_come_again_or_not_to() {
    for (pushback, pause) in [("1500", Some(1500)), ("0", Some(0)), ("-1", None), ("soon", None)] {
        for answer in [
            Answer::grpc().header("grpc-status", "14").header("grpc-retry-pushback-ms", pushback),
            Answer::grpc().trailers(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", pushback)]),
        ] {
            let (reply, attempts) = called(GET, vec![Act::Answers(answer), well()]).await;
            assert_eq!(reply.code(), if pause.is_some() { Code::Ok } else { Code::Unavailable }, "{pushback}");
            let pauses: Vec<_> = attempts.windows(2).map(|two| (two[1].at - two[0].at).as_millis()).collect();
            assert!(pauses.iter().copied().eq(pause), "{pushback}: {pauses:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_deadline_and_each_is_told_what_is_left() {
    let pushback = |ms| Act::Answers(Answer::grpc().header("grpc-status", "14").header("grpc-retry-pushback-ms", ms));
    let (upstream, attempts) = scripted(vec![pushback("600"), pushback("600")]);
    let gateway = gateway_with(upstream, |_| {}).service();
    let began = Instant::now();
    let reply = call(&gateway, request(WEB, GET).header("grpc-timeout", "1S"), message(b"")).await;
    assert_eq!(reply.code(), Code::Unavailable, "what is known is told, rather than to wait for the deadline");
    assert!(began.elapsed() < Duration::from_secs(1));
    let told: Vec<_> =
        attempts.lock().unwrap().iter().map(|attempt| attempt.header("grpc-timeout").unwrap().to_owned()).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], "1S");
    let left: u64 = told[1].strip_suffix('u').unwrap().parse().unwrap();
    assert!((390_000..=400_000).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_a_share_of_the_calls_and_a_little_more() {
    let (upstream, attempts) = scripted(vec![in_headers()]);
    let gateway = gateway_with(upstream, |config| {
        (config.retries.budget_percent, config.retries.budget_least_per_second) = (20, 1);
        (config.retries.first_ms, config.retries.longest_ms) = (0, 0);
    });
    let gateway = gateway.service();
    for _ in 0..100 {
        assert_eq!(call(&gateway, request(WEB, GET), message(b"")).await.code(), Code::Unavailable);
    }
    let further = attempts.lock().unwrap().len() - 100;
    assert_eq!(further, 30, "20 of 100 calls, and one for each of the ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_request_longer_than_is_kept_is_sent_once() {
    let configure = |config: &mut GatewayConfig| config.retries.keep_bytes = 7;
    let (reply, attempts) = called_with(GET, vec![in_headers(), well()], configure).await;
    assert_eq!((reply.code(), attempts.len()), (Code::Unavailable, 1), "eight bytes were sent");
    let (reply, attempts) = called_with(GET, vec![in_headers(), well()], |config| config.retries.keep_bytes = 8).await;
    assert_eq!((reply.code(), attempts.len()), (Code::Ok, 2));
}

#[tokio::test(start_paused = true)]
async fn headers_are_held_back_for_a_moment_only() {
    let quiet = Act::Answers(Answer::grpc().header("x-shop", "open").never());
    for (path, held_for) in [(FOLLOW, 1000), (WATCH, 0)] {
        let (upstream, _attempts) = scripted(vec![quiet.clone()]);
        let gateway = gateway_with(upstream, |_| {}).service();
        let began = Instant::now();
        let response = send(&gateway, request(NATIVE, path).body(Full::new(message(b""))).unwrap()).await;
        assert_eq!(began.elapsed().as_millis() / 10, held_for / 10, "{path}");
        assert_eq!(response.headers().get("x-shop").unwrap(), "open");
    }
}

#[tokio::test(start_paused = true)]
async fn a_safe_stream_is_delivered_as_it_comes() {
    let answer = Answer::grpc().data(message(b"one")).data(message(b"two")).trailers(&[("grpc-status", "0")]);
    let (upstream, _attempts) = scripted(vec![in_trailers(), Act::Answers(answer)]);
    let gateway = gateway_with(upstream, |_| {}).service();
    let reply = read(send(&gateway, request(NATIVE, FOLLOW).body(Full::new(message(b""))).unwrap()).await).await;
    assert_eq!((reply.code(), reply.messages()), (Code::Ok, vec![Bytes::from("one"), Bytes::from("two")]));
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_a_span_of_its_own_in_the_trace_of_the_call() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (upstream, attempts) = scripted(vec![in_headers(), well()]);
    let gateway = gateway_with(upstream, |_| {}).service();
    let log = Log::begin();
    let asked = request(WEB, GET).header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    assert_eq!(call(&gateway, asked, message(b"")).await.code(), Code::Ok);

    let spans: Vec<String> =
        attempts.lock().unwrap().iter().map(|attempt| attempt.header("traceparent").unwrap().to_owned()).collect();
    let [first, second] = &spans[..] else { panic!("{spans:?}") };
    assert!(spans.iter().all(|span| span.starts_with(&format!("00-{TRACE}-")) && span.ends_with("-01")), "{spans:?}");
    assert!(first != second && !spans.iter().any(|span| span.contains("00f067aa0ba902b7")), "{spans:?}");
    assert_eq!(log.calls()[0]["attempts"], 2, "the access log tells how often the call was sent");
}

#[tokio::test]
async fn a_malformed_request_is_sent_once_and_answered_for_what_it_is() {
    let counted = Arc::new(Mutex::new(0));
    let count = Arc::clone(&counted);
    let deaf = upstream(tower::service_fn(move |request: http::Request<Body>| {
        *count.lock().unwrap() += 1;
        async move {
            // An upstream that reads to the end, and then says that it was not there.
            let _ = request.into_body().collect().await;
            Ok::<_, Infallible>(Answer::grpc().header("grpc-status", "14").to_response())
        }
    }));
    let reply = call(&gateway_with(deaf, |_| {}).service(), request(WEB, GET), &b"\x04\0\0\0\0"[..]).await;
    assert_eq!(reply.reason(), "REQUEST_MALFORMED");
    assert_eq!(*counted.lock().unwrap(), 1);
}
