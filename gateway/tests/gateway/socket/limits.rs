use bojagi_gateway::{ConnectionConfig, RateLimitConfig};
use http::Request;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::{GUARD, Listening, exchange, http1_request, read_to_end};
use crate::support::message;
use crate::support::upstream::echo;

const GET: &str = "/shop.v1.Orders/Get";

#[tokio::test]
async fn a_header_list_that_is_too_long_is_refused() {
    let gateway = Listening::before(echo()).await;
    let padding = |bytes: usize| format!("connection: close\r\nx-padding: {}\r\n", "a".repeat(bytes));
    let fits = exchange(&mut gateway.connect().await, &http1_request(GET, &padding(15_000), &message(b""))).await;
    assert!(fits.starts_with("HTTP/1.1 200 "), "{fits}");
    let too_long = exchange(&mut gateway.connect().await, &http1_request(GET, &padding(17_000), &message(b""))).await;
    assert!(too_long.starts_with("HTTP/1.1 431 ") || too_long.is_empty(), "{too_long}");
}

#[tokio::test]
async fn a_header_list_that_is_too_long_is_refused_over_h2c() {
    let gateway = Listening::before(echo()).await;
    let (client, connection) = h2::client::handshake(gateway.connect().await).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    for (padding, accepted) in [(15_000, true), (17_000, false)] {
        let request = Request::post(format!("http://{}{GET}", gateway.address))
            .header("content-type", "application/grpc")
            .header("x-padding", "a".repeat(padding))
            .body(())
            .unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        let answer = timeout(GUARD, answer).await.unwrap();
        let status = answer.map(|answer| answer.status().as_u16());
        assert_eq!(matches!(status, Ok(200)), accepted, "{padding}: {status:?}");
    }
    connection.abort();
}

#[tokio::test]
async fn streams_on_one_connection_are_limited() {
    let gateway = Listening::configured(echo(), |config| config.connections.max_concurrent_streams = 7).await;
    let (client, mut connection) = h2::client::handshake(gateway.connect().await).await.unwrap();
    let settings = std::future::poll_fn(|cx| {
        // Once the settings of the gateway have come, the limit is no longer the one of the library.
        let _ = std::pin::Pin::new(&mut connection).poll(cx);
        match connection.max_concurrent_send_streams() {
            7 => std::task::Poll::Ready(()),
            _ => std::task::Poll::Pending,
        }
    });
    timeout(GUARD, settings).await.expect("the limit is announced");
    drop(client);
}

#[tokio::test]
async fn a_connection_too_many_is_closed() {
    assert_has_room_for_one(|connections| connections.max = 1).await;
}

#[tokio::test]
async fn a_connection_too_many_from_one_address_is_closed() {
    assert_has_room_for_one(|connections| connections.max_per_address = 1).await;
}

async fn assert_has_room_for_one(configure: impl FnOnce(&mut ConnectionConfig)) {
    let gateway = Listening::configured(echo(), |config| configure(&mut config.connections)).await;
    let mut first = gateway.connect().await;
    first.write_all(&http1_request("/shop.v1.Orders/Mine", "", &message(b""))).await.unwrap();
    first.readable().await.unwrap();

    assert_eq!(read_to_end(&mut gateway.connect().await).await, "", "the second one is closed");
    drop(first);
    let request = http1_request(GET, "connection: close\r\n", &message(b""));
    let served = async {
        // The place of the first connection is free once the gateway has seen it end.
        while !exchange(&mut gateway.connect().await, &request).await.starts_with("HTTP/1.1 200 ") {}
    };
    timeout(GUARD, served).await.expect("there is room again");
}

#[tokio::test]
async fn a_client_that_is_slow_with_its_head_is_dropped() {
    let gateway = Listening::configured(echo(), |config| config.connections.header_ms = 50).await;
    for beginning in ["", "PRI * HTTP/2.0\r\n", "POST /shop.v1.Orders/Get HTTP/1.1\r\nhost: "] {
        let mut stream = gateway.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{beginning:?}: {answer}");
    }
}

#[tokio::test]
async fn an_unused_connection_is_closed() {
    let gateway = Listening::configured(echo(), |config| {
        config.connections.header_ms = 50;
        config.connections.idle_ms = 50;
    })
    .await;
    let (client, connection) = h2::client::handshake(gateway.connect().await).await.unwrap();
    timeout(GUARD, connection).await.expect("the gateway closes it").unwrap();
    drop(client);
}

#[tokio::test]
async fn proxies_that_are_trusted_may_open_as_many_connections_as_they_need() {
    let gateway = Listening::configured(echo(), |config| {
        config.connections.max_per_address = 1;
        config.proxies.trusted = vec!["127.0.0.1".into()];
    })
    .await;
    let request = http1_request(GET, "connection: close\r\n", &message(b""));
    let _first = gateway.connect().await;
    assert!(exchange(&mut gateway.connect().await, &request).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn an_address_that_calls_too_often_is_limited_on_every_connection() {
    let gateway = Listening::configured(echo(), |config| {
        config.rate_limits = RateLimitConfig { calls_per_minute: 1, burst: 2 };
        config.proxies.trusted = vec!["127.0.0.1".into()];
    })
    .await;
    let ask = async |client: &str| {
        let headers = format!("connection: close\r\nx-forwarded-for: {client}\r\n");
        exchange(&mut gateway.connect().await, &http1_request(GET, &headers, &message(b""))).await
    };
    for _ in 0..2 {
        assert!(ask("203.0.113.7").await.contains("grpc-status:0"));
    }
    assert!(ask("203.0.113.7").await.contains("grpc-status: 8"));
    assert!(ask("203.0.113.8").await.contains("grpc-status:0"));
    // A household with IPv6 is one caller, whatever address it takes.
    for host in 1..=2 {
        assert!(ask(&format!("2001:db8:1:2::{host}")).await.contains("grpc-status:0"));
    }
    assert!(ask("2001:db8:1:2:ffff::9").await.contains("grpc-status: 8"));
}
