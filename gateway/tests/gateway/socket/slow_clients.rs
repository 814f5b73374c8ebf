//! Clients that are slow on purpose, or gone without a word.

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::{GUARD, Listening, http1_request, read_to_end, read_until};
use crate::support::answer::Answer;
use crate::support::http2::{END_STREAM, PREFACE, SETTINGS, frame, headers, window_update};
use crate::support::message;
use crate::support::upstream::{answering, careless, endless, silent};

const GET: &str = "/shop.v1.Orders/Get";
const WATCH: &str = "/shop.v1.Orders/Watch";
/// A call of `WATCH` over HTTP/2.
const REQUEST: [(&str, &str); 5] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", WATCH),
    (":authority", "shop.example"),
    ("content-type", "application/grpc"),
];

#[tokio::test]
async fn a_request_that_never_ends_meets_its_deadline() {
    let (upstream, _received) = answering(Answer::unary(b""));
    let gateway = Listening::before(upstream).await;
    let mut client = gateway.connect().await;
    let whole = http1_request(GET, "grpc-timeout: 50m\r\n", &message(&[0; 100]));
    client.write_all(&whole[..whole.len() - 1]).await.unwrap();
    let answer = read_until(&mut client, "\r\n\r\n").await;
    assert!(answer.contains("grpc-status: 4\r\n"), "{answer}");
    assert_eq!(read_to_end(&mut client).await, "", "the rest is not waited for for ever");
}

#[tokio::test]
async fn a_client_that_writes_on_after_it_was_answered_gets_the_answer() {
    let gateway = Listening::configured(careless(Answer::unary(b"")), |config| {
        config.messages.max_request_bytes = 10;
    })
    .await;
    let mut client = gateway.connect().await;
    let request = http1_request("/shop.v1.Orders/Mine", "", &message(&[0; 4 * 1024 * 1024]));
    client.write_all(&request).await.expect("the gateway reads on, although it has answered");
    client.shutdown().await.unwrap();
    let answer = read_to_end(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("grpc-status: 16\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_dropped() {
    let to_http1 = http1_request(WATCH, "", &message(b""));
    // The window of the connection and of the stream is as large as it can be, so that only the socket stands in the way.
    let window = [&[0, 4][..], &0x7fff_ffff_u32.to_be_bytes()].concat();
    let to_http2 =
        [PREFACE, &frame(SETTINGS, 0, 0, &window), &window_update(0, 0x7fff_0000), &headers(END_STREAM, 1, &REQUEST)]
            .concat();
    for (what, request) in [("HTTP/1.1", to_http1), ("HTTP/2", to_http2)] {
        let (upstream, pulled, mut call) = endless();
        let gateway = Listening::configured(upstream, |config| config.connections.stalled_ms = 100).await;
        let mut client = gateway.connect().await;
        client.write_all(&request).await.unwrap();
        let ended = timeout(GUARD, call.recv()).await.expect("the call is given up");
        assert!(ended.is_none(), "{what}");
        assert!(pulled.bytes() < 32 * 1024 * 1024, "{what}: {} bytes were pulled", pulled.bytes());
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_is_noticed_even_if_more_than_its_request_has_come() {
    let (upstream, mut call) = silent();
    let gateway = Listening::configured(upstream, |config| config.connections.idle_ms = 10).await;
    let mut client = gateway.connect().await;
    // More than is read at a time, so that some of it stays in the socket.
    let more = [b'x'; 16 * 1024];
    client.write_all(&[&http1_request(WATCH, "", &message(b""))[..], &more].concat()).await.unwrap();
    timeout(GUARD, call.recv()).await.unwrap().expect("the call has begun");
    drop(client);
    let ended = timeout(GUARD, call.recv()).await.expect("the call is given up");
    assert!(ended.is_none());
}

#[tokio::test]
async fn a_client_that_writes_no_more_gets_its_answer_if_it_comes_soon_enough() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = Listening::before(upstream).await;
    let mut client = gateway.connect().await;
    client.write_all(&[&http1_request(GET, "", &message(b""))[..], b"x"].concat()).await.unwrap();
    client.shutdown().await.unwrap();
    assert!(received.recv().await.is_some());
    assert!(read_to_end(&mut client).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn tcp_asks_a_client_whether_it_is_still_there() {
    let gateway = Listening::before(careless(Answer::unary(b""))).await;
    let client = gateway.connect().await;
    let ends = [gateway.address.port(), client.local_addr().unwrap().port()].map(|port| format!(":{port:04X}"));
    let asks = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // The kind of the timer that runs for the socket; 2 is that of the questions.
        fields[1].ends_with(&ends[0]) && fields[2].ends_with(&ends[1]) && fields[5].starts_with("02:")
    };
    let asked = async {
        while !std::fs::read_to_string("/proc/self/net/tcp").unwrap().lines().skip(1).any(asks) {
            tokio::task::yield_now().await;
        }
    };
    timeout(GUARD, asked).await.expect("it does");
}

#[tokio::test]
async fn a_client_that_does_not_answer_a_ping_is_dropped() {
    let (upstream, _at_upstream) = silent();
    let gateway = Listening::configured(upstream, |config| {
        config.connections.keep_alive_interval_ms = 50;
        config.connections.keep_alive_timeout_ms = 50;
    })
    .await;
    let mut client = gateway.connect().await;
    let request = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &headers(0, 1, &REQUEST)].concat();
    client.write_all(&request).await.unwrap();
    read_to_end(&mut client).await;
}
