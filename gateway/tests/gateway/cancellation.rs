//! A client that goes away: what the upstream sees on its connection is RST_STREAM with CANCEL, whatever the call was doing.

use std::time::Duration;

use bojagi_gateway::{Cluster, ClusterConfig, ClusterPorts, GatewayService};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::support::client::{NATIVE, WEB, request, send};
use crate::support::http2::{ACK, DATA, HEADERS, PREFACE, RST_STREAM, Received, SETTINGS, frame, headers, read_frame};
use crate::support::{gateway, message};

const GUARD: Duration = Duration::from_secs(20);
/// RFC 9113, section 7.
const CANCEL: u32 = 0x8;

/// The one connection of an upstream, frame by frame.
struct Wire {
    connection: TcpStream,
}

impl Wire {
    /// A gateway, and its connection to an upstream that is played by the test. `settings` are those of the upstream.
    async fn connect(settings: &[u8]) -> (GatewayService, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let urls = [format!("http://{}", listener.local_addr().unwrap())];
        let cluster = Cluster::new(&urls, ClusterConfig::default(), ClusterPorts::default()).unwrap();
        let gateway = gateway(cluster.upstream());
        let (mut connection, _) = timeout(GUARD, listener.accept()).await.unwrap().unwrap();
        let mut preface = [0; PREFACE.len()];
        connection.read_exact(&mut preface).await.unwrap();
        connection.write_all(&frame(SETTINGS, 0, 0, settings)).await.unwrap();
        (gateway, Self { connection })
    }

    /// The next frame of this kind; settings are acknowledged on the way.
    async fn next(&mut self, kind: u8) -> Received {
        let reading = async {
            loop {
                let received = read_frame(&mut self.connection).await.unwrap();
                if received.kind == SETTINGS && received.flags & ACK == 0 {
                    self.connection.write_all(&frame(SETTINGS, ACK, 0, &[])).await.unwrap();
                }
                if received.kind == kind {
                    return received;
                }
            }
        };
        timeout(GUARD, reading).await.expect("the frame comes")
    }

    async fn answers(&mut self, bytes: &[u8]) {
        self.connection.write_all(bytes).await.unwrap();
    }
}

fn head(stream: u32) -> Vec<u8> {
    headers(0, stream, &[(":status", "200"), ("content-type", "application/grpc")])
}

#[tokio::test]
async fn before_the_headers() {
    for content_type in [WEB, NATIVE] {
        let (gateway, mut wire) = Wire::connect(&[]).await;
        let asked = request(content_type, "/shop.v1.Orders/Get").body(Full::new(message(b"ask"))).unwrap();
        let calling = tokio::spawn(async move { send(&gateway, asked).await.status() });
        let stream = wire.next(HEADERS).await.stream;
        wire.next(DATA).await;
        let gone_at = Instant::now();
        calling.abort();
        let reset = wire.next(RST_STREAM).await;
        assert_eq!((reset.stream, reset.error_code()), (stream, CANCEL), "{content_type}");
        assert!(gone_at.elapsed() < Duration::from_secs(5), "at once, as far as a busy machine can tell");
    }
}

#[tokio::test]
async fn in_the_middle_of_an_answer() {
    let (gateway, mut wire) = Wire::connect(&[]).await;
    let asked = request(NATIVE, "/shop.v1.Orders/Watch").body(Full::new(message(b"ask"))).unwrap();
    let calling = tokio::spawn(async move { send(&gateway, asked).await });
    let stream = wire.next(HEADERS).await.stream;
    wire.answers(&[head(stream), frame(DATA, 0, stream, &message(b"one"))].concat()).await;
    let mut response = timeout(GUARD, calling).await.unwrap().unwrap();
    assert!(response.body_mut().frame().await.unwrap().unwrap().is_data());
    drop(response);
    let reset = wire.next(RST_STREAM).await;
    assert_eq!((reset.stream, reset.error_code()), (stream, CANCEL));
}

#[tokio::test]
async fn while_the_request_is_still_open() {
    let (gateway, mut wire) = Wire::connect(&[]).await;
    let (messages, body) =
        futures::channel::mpsc::unbounded::<Result<http_body::Frame<Bytes>, std::convert::Infallible>>();
    messages.unbounded_send(Ok(http_body::Frame::data(message(b"one")))).unwrap();
    let asked = request(NATIVE, "/shop.v1.Orders/Talk").body(StreamBody::new(body)).unwrap();
    let calling = tokio::spawn(async move { send(&gateway, asked).await });
    let stream = wire.next(HEADERS).await.stream;
    wire.answers(&head(stream)).await;
    drop(timeout(GUARD, calling).await.unwrap().unwrap());
    let reset = wire.next(RST_STREAM).await;
    assert_eq!((reset.stream, reset.error_code()), (stream, CANCEL));
    assert!(messages.is_closed(), "the request is let go of");
}

#[tokio::test]
async fn while_the_upstream_takes_no_more_of_the_request() {
    // SETTINGS_INITIAL_WINDOW_SIZE is zero: not one byte may be sent.
    let (gateway, mut wire) = Wire::connect(&[0, 4, 0, 0, 0, 0]).await;
    // The settings have arrived when the gateway has acknowledged them.
    while wire.next(SETTINGS).await.flags & ACK == 0 {}
    let asked = request(NATIVE, "/shop.v1.Orders/Upload").body(Full::new(message(&[7; 1000]))).unwrap();
    let calling = tokio::spawn(async move { send(&gateway, asked).await });
    let stream = wire.next(HEADERS).await.stream;
    wire.answers(&head(stream)).await;
    drop(timeout(GUARD, calling).await.unwrap().unwrap());
    let reset = wire.next(RST_STREAM).await;
    assert_eq!((reset.stream, reset.error_code()), (stream, CANCEL));
}

#[tokio::test]
async fn a_request_that_breaks_off_is_cancelled_too() {
    let (gateway, mut wire) = Wire::connect(&[]).await;
    let frames = futures::stream::iter([
        Ok(http_body::Frame::data(message(b"one"))),
        Err(std::io::Error::other("the client is gone")),
    ]);
    let asked = request(NATIVE, "/shop.v1.Orders/Upload").body(StreamBody::new(frames)).unwrap();
    let calling = tokio::spawn(async move { send(&gateway, asked).await });
    let stream = wire.next(HEADERS).await.stream;
    let reset = wire.next(RST_STREAM).await;
    assert_eq!((reset.stream, reset.error_code()), (stream, CANCEL));
    timeout(GUARD, calling).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_deadline_cancels_at_the_upstream() {
    let (gateway, mut wire) = Wire::connect(&[]).await;
    let asked = request(WEB, "/shop.v1.Orders/Get").header("grpc-timeout", "50m");
    let asked = asked.body(Full::new(message(b"ask"))).unwrap();
    let calling = tokio::spawn(async move { send(&gateway, asked).await });
    let reset = wire.next(RST_STREAM).await;
    assert_eq!(reset.error_code(), CANCEL);
    assert_eq!(timeout(GUARD, calling).await.unwrap().unwrap().headers().get("grpc-status").unwrap(), "4");
}
