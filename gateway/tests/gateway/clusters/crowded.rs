//! Servers that allow only so many calls at a time on a connection.

use std::sync::atomic::{AtomicUsize, Ordering};

use bojagi_gateway::Upstream;
use tokio::task::JoinHandle;

use super::*;

/// Answers a Get, and never a Watch; counts the latter.
fn holding() -> (Upstream, Arc<AtomicUsize>) {
    let held = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&held);
    let service = tower::service_fn(move |request: Request<Body>| {
        let count = Arc::clone(&count);
        async move {
            if request.uri().path() == WATCH {
                count.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }
            Ok::<_, std::convert::Infallible>(Answer::unary(b"").to_response())
        }
    });
    (upstream(service), held)
}

fn hold(gateway: &GatewayService) -> JoinHandle<()> {
    let gateway = gateway.clone();
    tokio::spawn(async move {
        call(&gateway, request(NATIVE, WATCH), message(b"")).await;
    })
}

#[tokio::test]
async fn a_full_connection_is_not_waited_for_there_is_another_one() {
    let (service, held) = holding();
    let server = Server::with_streams(service, 2).await;
    let cluster = cluster(&[&server], |config| config.max_connections = 3);
    let gateway = gateway(cluster.upstream());
    // What the server allows is known when it has answered.
    assert_eq!(asked(&gateway, GET).await.code(), Code::Ok);
    assert_eq!(cluster.status().endpoints[0].connections, 1);

    let mut calls: Vec<_> = (0..6).map(|_| hold(&gateway)).collect();
    let status = until(&cluster, |_| held.load(Ordering::SeqCst) == 6).await;
    assert_eq!((status.endpoints[0].connections, server.accepted()), (3, 3));
    let refused = asked(&gateway, GET).await;
    assert_eq!((refused.code(), refused.reason().as_str()), (Code::ResourceExhausted, "UPSTREAM_OVERLOADED"));
    assert_eq!(cluster.status().refused_overloaded, 1);

    calls.pop().unwrap().abort();
    until(&cluster, |status| status.in_flight == 5).await;
    assert_eq!(asked(&gateway, GET).await.code(), Code::Ok, "there is room again");
    calls.iter().for_each(JoinHandle::abort);
    until(&cluster, |status| status.in_flight == 0).await;
}

#[tokio::test]
async fn who_is_full_is_passed_over() {
    let ((full, at_full), (free, at_free)) = (holding(), holding());
    let (full, free) = (Server::with_streams(full, 1).await, Server::of(free).await);
    let cluster = cluster(&[&full, &free], |config| config.max_connections = 1);
    until(&cluster, all_connected).await;
    let gateway = gateway(cluster.upstream());
    while cluster.status().endpoints[0].calls == 0 {
        asked(&gateway, GET).await;
    }
    let calls: Vec<_> = (0..5).map(|_| hold(&gateway)).collect();
    let held = || (at_full.load(Ordering::SeqCst), at_free.load(Ordering::SeqCst));
    until(&cluster, |_| held().0 + held().1 == 5).await;
    assert_eq!(held(), (1, 4));
    calls.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn the_watch_of_health_takes_the_place_of_a_call() {
    let (health, watched) = tonic_health::server::health_reporter();
    health.set_service_status("", ServingStatus::Serving).await;
    let service = upstream(tower::service_fn(move |request: Request<Body>| {
        let watched = watched.clone();
        async move {
            if request.uri().path().starts_with("/grpc.health.") {
                return watched.oneshot(request).await;
            }
            Ok(Answer::unary(b"").to_response())
        }
    }));
    let server = Server::with_streams(service, 1).await;
    for (connections, expected) in [(1, Code::ResourceExhausted), (2, Code::Ok)] {
        let cluster = cluster(&[&server], |config| {
            config.max_connections = connections;
            config.health.watch = true;
        });
        until(&cluster, |status| status.endpoints[0].health == EndpointHealth::Serving).await;
        assert_eq!(asked(&gateway(cluster.upstream()), GET).await.code(), expected, "{connections} connections");
    }
}
