//! The gateway on a real socket: HTTP/1.1 and HTTP/2 on one port.

mod admin;
mod backpressure;
mod closing;
mod floods;
mod limits;
mod serving;
mod slow_clients;

use std::net::SocketAddr;
use std::time::Duration;

use bojagi_gateway::{Gateway, GatewayConfig, Readiness, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::gateway_with;

/// Longer than anything here takes; so that a mistake fails instead of hanging.
const GUARD: Duration = Duration::from_secs(20);

/// A gateway that listens.
struct Listening {
    address: SocketAddr,
    readiness: Readiness,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Listening {
    async fn before(upstream: Upstream) -> Self {
        Self::configured(upstream, |_| {}).await
    }

    async fn configured(upstream: Upstream, configure: impl FnOnce(&mut GatewayConfig)) -> Self {
        Self::start(gateway_with(upstream, configure)).await
    }

    async fn start(gateway: Gateway) -> Self {
        let bound = gateway.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = bound.local_addr();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(bound.serve(async move {
            // A test that ends without stopping the gateway stops it too.
            let _ = stopped.await;
        }));
        gateway.readiness().set_serving(true);
        Self { address, readiness: gateway.readiness(), stop, served }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// A gRPC-Web request over HTTP/1.1, as bytes.
fn http1_request(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/grpc-web+proto\r\n\
         content-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Writes, and reads until the other end closes.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    read_to_end(stream).await
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(GUARD, stream.read_to_end(&mut answer)).await.expect("the connection is closed");
    // A reset ends the connection as well as a proper end does.
    let _ = read;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one answer, of which the end is known, or until the connection is closed.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let read = tokio::time::timeout(GUARD, stream.read_buf(&mut answer)).await.expect("there is an answer");
        if read.unwrap() == 0 {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    answer
}
