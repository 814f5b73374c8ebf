//! Clusters of real servers on loopback: who gets calls, who is left alone, and what happens when nobody is left.

mod crowded;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bojagi_gateway::{
    Cluster, ClusterConfig, ClusterPorts, ClusterStatus, EndpointConnection, EndpointHealth, GatewayService, Resolver,
    TcpConnector, upstream,
};
use futures::future::BoxFuture;
use http::Request;
use tokio::time::timeout;
use tonic::Code;
use tonic::body::Body;
use tonic_health::ServingStatus;
use tower::ServiceExt;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, Reply, WEB, call, request};
use crate::support::log::Log;
use crate::support::server::Server;
use crate::support::upstream::{answering, careless, silent};
use crate::support::{gateway, gateway_with, message};

const GUARD: Duration = Duration::from_secs(20);
/// A method that is not safe, so that every call is one attempt.
const WATCH: &str = "/shop.v1.Orders/Watch";
const GET: &str = "/shop.v1.Orders/Get";

fn cluster(servers: &[&Server], configure: impl FnOnce(&mut ClusterConfig)) -> Cluster {
    cluster_of(&servers.iter().map(|server| server.url()).collect::<Vec<_>>(), configure)
}

fn cluster_of(urls: &[String], configure: impl FnOnce(&mut ClusterConfig)) -> Cluster {
    let mut config = ClusterConfig { reconnect_first_ms: 10, reconnect_longest_ms: 20, ..ClusterConfig::default() };
    config.ejection.window_ms = 0;
    configure(&mut config);
    Cluster::new(urls, config, ClusterPorts::default()).unwrap()
}

/// Waits until the status is as the test wants it.
async fn until(cluster: &Cluster, wanted: impl Fn(&ClusterStatus) -> bool) -> ClusterStatus {
    let waiting = async {
        loop {
            let changed = cluster.changed();
            let status = cluster.status();
            if wanted(&status) {
                return status;
            }
            // What is counted changes without a word.
            let _ = timeout(Duration::from_millis(5), changed).await;
        }
    };
    timeout(GUARD, waiting).await.unwrap_or_else(|_| panic!("it does not become so: {:?}", cluster.status()))
}

fn all_connected(status: &ClusterStatus) -> bool {
    status.endpoints.iter().all(|endpoint| endpoint.connection == EndpointConnection::Connected)
}

async fn asked(gateway: &GatewayService, path: &str) -> Reply {
    timeout(GUARD, call(gateway, request(NATIVE, path), message(b""))).await.expect("a call ends")
}

/// A server that answers with its name in a header.
async fn named(name: &'static str) -> Server {
    Server::of(careless(Answer::unary(b"").header("x-name", name))).await
}

#[tokio::test]
async fn a_call_reaches_a_server_with_its_own_authority_and_trailers() {
    let (service, mut received) = answering(Answer::unary(b"well"));
    let server = Server::of(service).await;
    let cluster = cluster(&[&server], |_| {});
    let gateway = gateway(cluster.upstream());
    let log = Log::begin();
    let reply = call(&gateway, request(WEB, GET).header("host", "shop.example"), message(b"ask")).await;
    assert_eq!((reply.code(), reply.messages().concat()), (Code::Ok, b"well".to_vec()));
    let at_server = received.recv().await.unwrap();
    assert_eq!(at_server.head.uri.authority().unwrap().as_str(), server.address.to_string());
    assert_eq!(at_server.header("te"), Some("trailers"));
    assert_eq!(at_server.header("host"), None);
    assert_eq!(at_server.body.unwrap(), message(b"ask"));
    let line = &log.calls()[0];
    assert_eq!((&line["attempts"], line["upstream"].as_str()), (&1.into(), Some(&*server.address.to_string())));
    let status = until(&cluster, |status| status.in_flight == 0).await;
    assert_eq!((status.endpoints[0].calls, status.endpoints[0].failures), (1, 0));
}

#[tokio::test]
async fn the_less_loaded_of_two_gets_the_call() {
    let (busy, mut begun) = silent();
    let (busy, idle) = (Server::of(busy).await, named("idle").await);
    let cluster = cluster(&[&busy, &idle], |_| {});
    until(&cluster, all_connected).await;
    let gateway = gateway(cluster.upstream());
    // Calls come until one of them stays at the busy server.
    let holder = gateway.clone();
    let holding = tokio::spawn(async move {
        loop {
            asked(&holder, WATCH).await;
        }
    });
    timeout(GUARD, begun.recv()).await.unwrap().unwrap();
    for _ in 0..20 {
        assert_eq!(asked(&gateway, WATCH).await.header("x-name"), Some("idle"));
    }
    let status = cluster.status();
    assert_eq!((status.endpoints[0].in_flight, status.in_flight), (1, 1));
    holding.abort();
    until(&cluster, |status| status.in_flight == 0).await;
}

#[tokio::test]
async fn more_calls_than_may_run_are_refused_at_once() {
    let (service, mut begun) = silent();
    let server = Server::of(service).await;
    let cluster = cluster(&[&server], |config| config.max_in_flight = 1);
    let gateway = gateway(cluster.upstream());
    let holder = gateway.clone();
    let holding = tokio::spawn(async move { asked(&holder, WATCH).await.code() });
    timeout(GUARD, begun.recv()).await.unwrap().unwrap();
    for path in [GET, WATCH] {
        let reply = asked(&gateway, path).await;
        assert_eq!((reply.code(), reply.reason().as_str()), (Code::ResourceExhausted, "UPSTREAM_OVERLOADED"));
    }
    assert_eq!(cluster.status().refused_overloaded, 2);
    holding.abort();
    until(&cluster, |status| status.in_flight == 0).await;
}

#[tokio::test]
async fn failures_in_a_row_eject_wherever_their_status_stands() {
    let in_headers = Answer::grpc().header("grpc-status", "13");
    let in_trailers = Answer::grpc().data(message(b"one")).trailers(&[("grpc-status", "14")]);
    let without_status = Answer::grpc().data(message(b"one"));
    let of_http = Answer::unary(b"one").http_status(500);
    let page = Answer::grpc().without_header("content-type").header("content-type", "text/html").data("<html>");
    for bad in [in_headers, in_trailers, without_status, of_http, page] {
        let (bad, good) = (Server::of(careless(bad)).await, named("good").await);
        let cluster = cluster(&[&bad, &good], |config| config.ejection.consecutive_failures = 3);
        until(&cluster, all_connected).await;
        let gateway = gateway(cluster.upstream());
        let mut failures = 0;
        while cluster.status().endpoints[0].ejected_for_ms.is_none() {
            failures += u32::from(asked(&gateway, WATCH).await.code() != Code::Ok);
            assert!(failures <= 3, "{:?}", cluster.status());
        }
        assert_eq!(failures, 3);
        for _ in 0..10 {
            assert_eq!(asked(&gateway, WATCH).await.header("x-name"), Some("good"));
        }
        let status = cluster.status();
        assert_eq!((status.endpoints[0].ejections, status.endpoints[0].failures), (1, 3));
        assert!(!status.panicking);
    }
}

#[tokio::test]
async fn what_is_the_callers_fault_ejects_nobody() {
    let refusing = Server::of(careless(Answer::grpc().trailers(&[("grpc-status", "3")]))).await;
    let cluster = cluster(&[&refusing, &refusing], |config| config.ejection.consecutive_failures = 1);
    until(&cluster, all_connected).await;
    let gateway_of_refusals = gateway(cluster.upstream());
    for _ in 0..5 {
        assert_eq!(asked(&gateway_of_refusals, WATCH).await.code(), Code::InvalidArgument);
    }
    assert!(cluster.status().endpoints.iter().all(|endpoint| endpoint.failures == 0));
    assert_eq!(cluster.status().endpoints.len(), 1, "one address is one endpoint, however often it is listed");
}

#[tokio::test]
async fn no_more_than_a_share_is_ejected_and_a_single_server_never() {
    let bad = Server::of(careless(Answer::grpc().trailers(&[("grpc-status", "14")]))).await;
    let cluster = cluster(&[&bad], |config| config.ejection.consecutive_failures = 1);
    let gateway = gateway(cluster.upstream());
    for _ in 0..5 {
        assert_eq!(asked(&gateway, WATCH).await.code(), Code::Unavailable);
    }
    let status = cluster.status();
    assert_eq!((status.endpoints[0].ejected_for_ms, status.endpoints[0].failures), (None, 5));
}

#[tokio::test]
async fn success_rates_are_compared_over_a_window() {
    let mut servers = vec![Server::of(careless(Answer::grpc().trailers(&[("grpc-status", "14")]))).await];
    for name in ["a", "b", "c", "d"] {
        servers.push(named(name).await);
    }
    let cluster = cluster(&servers.iter().collect::<Vec<_>>(), |config| {
        config.ejection.consecutive_failures = 0;
        (config.ejection.window_ms, config.ejection.success_rate_calls) = (50, 1);
    });
    until(&cluster, all_connected).await;
    let gateway = gateway(cluster.upstream());
    let ejecting = async {
        while cluster.status().endpoints[0].ejected_for_ms.is_none() {
            asked(&gateway, WATCH).await;
        }
    };
    timeout(GUARD, ejecting).await.expect("the bad server is ejected");
    assert!(cluster.status().endpoints[1..].iter().all(|endpoint| endpoint.ejections == 0));
}

#[tokio::test]
async fn nobody_left_is_told_at_once_unless_panic_is_allowed() {
    let bad = || careless(Answer::grpc().trailers(&[("grpc-status", "14"), ("x-from", "the dead")]));
    for (panic_percent, reason) in [(0, "UPSTREAM_UNREACHABLE"), (50, "")] {
        let (one, two) = (Server::of(bad()).await, Server::of(bad()).await);
        let cluster = cluster(&[&one, &two], |config| {
            (config.ejection.consecutive_failures, config.ejection.max_percent) = (1, 100);
            config.panic_percent = panic_percent;
        });
        until(&cluster, all_connected).await;
        let gateway = gateway(cluster.upstream());
        while cluster.status().endpoints.iter().any(|endpoint| endpoint.ejections == 0) {
            asked(&gateway, WATCH).await;
        }
        let reply = asked(&gateway, WATCH).await;
        assert_eq!(reply.code(), Code::Unavailable);
        assert_eq!(cluster.status().panicking, panic_percent > 0);
        if panic_percent > 0 {
            assert_eq!(reply.trailers.unwrap().get("x-from").unwrap(), "the dead");
        } else {
            assert_eq!(reply.reason(), reason);
            assert!(cluster.status().refused_unreachable > 0);
        }
    }
}

#[tokio::test]
async fn servers_that_are_not_there_are_refused_at_once_and_reported() {
    let server = named("back").await;
    let address = server.address;
    drop(server);
    let cluster = cluster_of(&[format!("http://{address}")], |_| {});
    let gateway = gateway_with(cluster.upstream(), |config| config.retries.attempts = 1).service();
    until(&cluster, |status| status.endpoints[0].connection == EndpointConnection::Waiting).await;
    let reply = asked(&gateway, GET).await;
    assert_eq!((reply.code(), reply.reason().as_str()), (Code::Unavailable, "UPSTREAM_UNREACHABLE"));
    assert!(cluster.status().endpoints[0].connection_error.is_some());
}

#[tokio::test]
async fn health_is_watched_and_not_knowing_the_question_is_healthy() {
    let (health, service) = tonic_health::server::health_reporter();
    let sick = upstream(tower::service_fn(move |request: Request<Body>| {
        let service = service.clone();
        async move {
            if request.uri().path().starts_with("/grpc.health.") {
                return service.oneshot(request).await;
            }
            Ok(Answer::unary(b"").header("x-name", "watched").to_response())
        }
    }));
    let sick = Server::of(sick).await;
    let unimplemented = |request: &Request<Body>| request.uri().path().starts_with("/grpc.health.");
    let plain_without_health = upstream(tower::service_fn(move |request: Request<Body>| {
        let answer = if unimplemented(&request) {
            Answer::grpc().header("grpc-status", "12")
        } else {
            Answer::unary(b"").header("x-name", "plain")
        };
        async move { Ok::<_, std::convert::Infallible>(answer.to_response()) }
    }));
    let plain = Server::of(plain_without_health).await;
    health.set_service_status("", ServingStatus::NotServing).await;

    let cluster = cluster(&[&sick, &plain], |config| config.health.watch = true);
    let healths = |status: &ClusterStatus| status.endpoints.iter().map(|endpoint| endpoint.health).collect::<Vec<_>>();
    until(&cluster, |status| healths(status) == [EndpointHealth::NotServing, EndpointHealth::Unwatched]).await;
    let gateway = gateway(cluster.upstream());
    for _ in 0..10 {
        assert_eq!(asked(&gateway, WATCH).await.header("x-name"), Some("plain"));
    }
    health.set_service_status("", ServingStatus::Serving).await;
    until(&cluster, |status| healths(status)[0] == EndpointHealth::Serving).await;
    let reached = async { while asked(&gateway, WATCH).await.header("x-name") != Some("watched") {} };
    timeout(GUARD, reached).await.expect("a server that is well again gets calls");
}

/// A resolver whose answers the test changes.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>);

impl Names {
    fn set(&self, name: &str, addresses: &[SocketAddr]) {
        self.0.lock().unwrap().insert(name.to_owned(), addresses.to_vec());
    }
}

impl Resolver for Names {
    fn resolve(&self, host: String, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let found = self.0.lock().unwrap().get(&host).cloned();
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

#[tokio::test]
async fn a_name_stands_for_all_of_its_addresses_and_they_may_change() {
    let (one, two) = (named("one").await, named("two").await);
    let names = Names::default();
    names.set("shop.internal", &[one.address]);
    let config = ClusterConfig { resolve_ms: 10, ..ClusterConfig::default() };
    let ports = ClusterPorts { resolver: Arc::new(names.clone()), connector: Arc::new(TcpConnector) };
    let cluster = Cluster::new(&["http://shop.internal:9000".into()], config, ports).unwrap();
    let gateway = gateway(cluster.upstream());
    assert_eq!(
        asked(&gateway, WATCH).await.header("x-name"),
        Some("one"),
        "the first call waits for the first look-up"
    );

    let addresses =
        |status: &ClusterStatus| status.endpoints.iter().map(|endpoint| endpoint.address.clone()).collect::<Vec<_>>();
    names.set("shop.internal", &[one.address, two.address]);
    let both = [one.address.to_string(), two.address.to_string()];
    until(&cluster, |status| addresses(status) == both && all_connected(status)).await;
    assert_eq!(cluster.status().endpoints[0].calls, 1, "who stays keeps its record");
    assert_eq!(one.accepted(), 1, "and its connection");

    names.set("shop.internal", &[two.address]);
    until(&cluster, |status| addresses(status) == both[1..] && all_connected(status)).await;
    for _ in 0..5 {
        assert_eq!(asked(&gateway, WATCH).await.header("x-name"), Some("two"));
    }
    names.0.lock().unwrap().clear();
    let status = until(&cluster, |status| status.resolve_error.is_some()).await;
    assert_eq!(addresses(&status), both[1..], "the addresses of before are better than none");
    assert_eq!(asked(&gateway, WATCH).await.header("x-name"), Some("two"));
}

#[tokio::test]
async fn a_name_without_addresses_is_looked_up_again_soon() {
    let server = named("late").await;
    // Nobody at first, with and without an error; the usual pause is longer than any test.
    let (empty, unknown) = (Names::default(), Names::default());
    empty.set("shop.internal", &[]);
    for names in [empty, unknown] {
        let config = ClusterConfig { resolve_ms: 600_000, ..ClusterConfig::default() };
        let ports = ClusterPorts { resolver: Arc::new(names.clone()), connector: Arc::new(TcpConnector) };
        let cluster = Cluster::new(&["http://shop.internal:9000".into()], config, ports).unwrap();
        until(&cluster, |status| status.resolve_error.is_some()).await;
        names.set("shop.internal", &[server.address]);
        let status = until(&cluster, |status| !status.endpoints.is_empty() && all_connected(status)).await;
        assert_eq!(status.resolve_error, None);
    }
}

#[tokio::test]
async fn mistakes_are_told_all_at_once() {
    let mut config =
        ClusterConfig { connect_ms: 0, reconnect_longest_ms: 1, panic_percent: 101, ..ClusterConfig::default() };
    config.ejection.max_percent = 200;
    let errors = Cluster::new(&["shop:9000".into()], config, ClusterPorts::default()).unwrap_err();
    let options: Vec<_> = errors.mistakes().iter().map(|mistake| mistake.option().to_owned()).collect();
    assert_eq!(
        options,
        [
            "upstreams.connect_ms",
            "upstreams.reconnect_longest_ms",
            "upstreams.panic_percent",
            "upstreams.ejection.max_percent",
            "endpoints"
        ]
    );
}
