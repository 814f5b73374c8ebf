//! Servers that do not take a call, as they say it on the wire: whatever the method, the call goes to the next connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bojagi_gateway::{Cluster, ClusterConfig, ClusterPorts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tonic::Code;

use crate::support::client::{NATIVE, Reply, call, request};
use crate::support::http2::{
    ACK, DATA, END_STREAM, GOAWAY, HEADERS, PREFACE, Received, SETTINGS, frame, headers, read_frame, reset,
};
use crate::support::{gateway, message};

const GUARD: Duration = Duration::from_secs(20);
/// A method that is not safe.
const UPLOAD: &str = "/shop.v1.Orders/Upload";
const REFUSED_STREAM: u32 = 0x7;

/// What the server writes when the headers of its first request have come, and whether it hangs up then. Every later request is answered.
async fn first_refused_by(refusal: fn(u32) -> Vec<u8>, hangs_up: bool) -> (Reply, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let urls = [format!("http://{}", listener.local_addr().unwrap())];
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(connection, Arc::clone(&seen), refusal, hangs_up));
        }
    });
    let cluster = Cluster::new(&urls, ClusterConfig::default(), ClusterPorts::default()).unwrap();
    let service = gateway(cluster.upstream());
    let calling = call(&service, request(NATIVE, UPLOAD), message(b"ask"));
    let reply = timeout(GUARD, calling).await.expect("a call ends");
    (reply, requests.load(Ordering::SeqCst))
}

async fn serve(mut connection: TcpStream, seen: Arc<AtomicUsize>, refusal: fn(u32) -> Vec<u8>, hangs_up: bool) {
    let mut preface = [0; PREFACE.len()];
    connection.read_exact(&mut preface).await.unwrap();
    connection.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let mut refused = None;
    while let Ok(Received { kind, flags, stream, .. }) = read_frame(&mut connection).await {
        let bytes = match kind {
            SETTINGS if flags & ACK == 0 => frame(SETTINGS, ACK, 0, &[]),
            HEADERS if seen.fetch_add(1, Ordering::SeqCst) == 0 => {
                refused = Some(stream);
                refusal(stream)
            }
            DATA if flags & END_STREAM != 0 && refused != Some(stream) => {
                let head = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "0")];
                headers(END_STREAM, stream, &head)
            }
            _ => continue,
        };
        if connection.write_all(&bytes).await.is_err() || (hangs_up && refused == Some(stream)) {
            return;
        }
    }
}

#[tokio::test]
async fn a_refused_stream_is_sent_once_more() {
    let (reply, requests) = first_refused_by(|stream| reset(stream, REFUSED_STREAM), false).await;
    assert_eq!((reply.code(), requests), (Code::Ok, 2));
}

#[tokio::test]
async fn what_a_server_that_leaves_has_not_begun_goes_to_the_next_connection() {
    // GOAWAY with NO_ERROR, after which no stream at all was looked at.
    let (reply, requests) = first_refused_by(|_| frame(GOAWAY, 0, 0, &[0; 8]), false).await;
    assert_eq!((reply.code(), requests), (Code::Ok, 2));
}

#[tokio::test]
async fn what_a_server_may_have_begun_is_not_sent_again() {
    let (reply, requests) = first_refused_by(|_| Vec::new(), true).await;
    assert_eq!((reply.code(), requests), (Code::Unavailable, 1));
}
