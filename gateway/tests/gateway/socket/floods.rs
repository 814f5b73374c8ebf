//! Clients that use HTTP/2 as a weapon. The connection ends or stays cheap, and everybody else is served.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{GUARD, Listening, exchange, http1_request};
use crate::support::http2::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, Received, SETTINGS,
    field, frame, headers, read_frame, reset,
};
use crate::support::message;
use crate::support::upstream::{deaf, echo};

const CANCEL: u32 = 0x8;
const ENHANCE_YOUR_CALM: u32 = 0xb;

const TALK: [(&str, &str); 5] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/shop.v1.Orders/Talk"),
    (":authority", "shop.example"),
    ("content-type", "application/grpc"),
];

async fn greet(gateway: &Listening) -> TcpStream {
    let mut connection = gateway.connect().await;
    connection.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    connection
}

/// Writes all of it while somebody reads what comes back; everything that came until the connection ended, or until `enough`.
async fn attack(gateway: &Listening, bytes: Vec<u8>, enough: impl Fn(&Received) -> bool) -> Vec<Received> {
    let (mut reader, mut writer) = greet(gateway).await.into_split();
    let writing = tokio::spawn(async move {
        // The gateway may have had enough before that.
        let _ = writer.write_all(&bytes).await;
        writer
    });
    let received = timeout(GUARD, read_until(&mut reader, enough)).await.expect("the gateway answers or hangs up");
    writing.abort();
    received
}

async fn read_until(reader: &mut (impl AsyncRead + Unpin), enough: impl Fn(&Received) -> bool) -> Vec<Received> {
    let mut frames = Vec::new();
    while let Ok(frame) = read_frame(reader).await {
        let is_enough = enough(&frame);
        frames.push(frame);
        if is_enough {
            break;
        }
    }
    frames
}

/// That the connection came to its end, with this code if the system did not swallow it.
fn assert_hung_up(what: &str, received: &[Received], code: u32) {
    if let Some(farewell) = received.iter().rfind(|frame| frame.kind == GOAWAY) {
        assert_eq!(farewell.error_code(), code, "{what}");
    }
}

async fn assert_serves_others(gateway: &Listening) {
    let request = http1_request("/shop.v1.Orders/Mine", "connection: close\r\n", &message(b""));
    let answer = exchange(&mut gateway.connect().await, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("grpc-status: 16"), "{answer}");
}

fn never(_: &Received) -> bool {
    false
}

#[tokio::test]
async fn rapid_reset() {
    let (upstream, calls) = deaf();
    let gateway = Listening::before(upstream).await;
    let pairs = 20_000;
    let bytes = (0..pairs).flat_map(|n| [headers(0, 2 * n + 1, &TALK), reset(2 * n + 1, CANCEL)].concat()).collect();
    let received = attack(&gateway, bytes, never).await;
    assert_hung_up("rapid reset", &received, ENHANCE_YOUR_CALM);
    let calls = calls.load(Ordering::Relaxed);
    assert!(calls < 1_000, "{calls} calls reached the upstream");
    assert_serves_others(&gateway).await;
}

#[tokio::test]
async fn headers_that_never_end() {
    let request: Vec<u8> = TALK.iter().flat_map(|(name, value)| field(name, value)).collect();
    let padding: Vec<u8> = (0..8).flat_map(|_| field("x-padding", &"a".repeat(1_900))).collect();
    for (what, each) in [("empty", &[][..]), ("large", &padding), ("tiny", &[0x10, 1, b'a', 0])] {
        let (upstream, calls) = deaf();
        let gateway = Listening::before(upstream).await;
        let mut bytes = frame(HEADERS, END_STREAM, 1, &request);
        let continuation = frame(CONTINUATION, 0, 1, each);
        bytes.extend(continuation.repeat(64 * 1024 * 1024 / continuation.len() / 8));
        let received = attack(&gateway, bytes, never).await;
        assert_hung_up(what, &received, ENHANCE_YOUR_CALM);
        assert_eq!(calls.load(Ordering::Relaxed), 0, "{what}");
        assert_serves_others(&gateway).await;
    }
}

#[tokio::test]
async fn a_header_that_unpacks_to_a_thousand_times_its_size() {
    let (upstream, calls) = deaf();
    let gateway = Listening::before(upstream).await;
    let request: Vec<u8> = TALK.iter().flat_map(|(name, value)| field(name, value)).collect();
    let mut remembered = field("x-bomb", &"a".repeat(3_900));
    // With this bit the header is put into the table, as its newest entry, which has the number 62.
    remembered[0] = 0x40;
    let bomb = [request, remembered, vec![0x80 | 62; 12_000]].concat();
    let bytes = frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb);
    let received = attack(&gateway, bytes, |frame| frame.stream == 1 || frame.kind == GOAWAY).await;
    let answer = received.last().expect("the gateway says something");
    assert!(matches!(answer.kind, HEADERS | RST_STREAM | GOAWAY), "{answer:?}");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert_serves_others(&gateway).await;
}

#[tokio::test]
async fn empty_data() {
    let gateway = Listening::before(echo()).await;
    let with_empty_frames = |frames| {
        let end = frame(DATA, END_STREAM, 1, &message(b"still here"));
        [headers(0, 1, &TALK), frame(DATA, 0, 1, b"").repeat(frames), end].concat()
    };
    let is_end = |frame: &Received| frame.stream == 1 && frame.flags & END_STREAM != 0;
    let received = attack(&gateway, with_empty_frames(50), is_end).await;
    let answer = received.iter().filter(|frame| frame.kind == DATA).flat_map(|frame| frame.payload.clone());
    assert_eq!(answer.collect::<Vec<u8>>(), message(b"still here"), "a few of them mean nothing");

    let received = attack(&gateway, with_empty_frames(200_000), is_end).await;
    assert!(!received.iter().any(is_end), "but not any number of them");
    assert_hung_up("empty data", &received, ENHANCE_YOUR_CALM);
    assert_serves_others(&gateway).await;
}

#[tokio::test]
async fn data_byte_by_byte_that_nobody_reads() {
    let (upstream, _calls) = deaf();
    let gateway = Listening::before(upstream).await;
    let mut bytes = headers(0, 1, &TALK);
    bytes.extend(frame(DATA, 0, 1, b"\0").repeat(900_000));
    let received = attack(&gateway, bytes, never).await;
    assert_hung_up("tiny data", &received, ENHANCE_YOUR_CALM);
    assert_serves_others(&gateway).await;
}

#[tokio::test]
async fn more_streams_than_are_allowed_again_and_again() {
    let (upstream, calls) = deaf();
    let gateway = Listening::configured(upstream, |config| config.connections.max_concurrent_streams = 10).await;
    let bytes = (0..5_000).flat_map(|n| headers(0, 2 * n + 1, &TALK)).collect();
    let received = attack(&gateway, bytes, never).await;
    assert_hung_up("too many streams", &received, ENHANCE_YOUR_CALM);
    let calls = calls.load(Ordering::Relaxed);
    assert!(calls <= 10, "{calls} calls reached the upstream");
    assert_serves_others(&gateway).await;
}

#[tokio::test]
async fn questions_without_end() {
    let gateway = Listening::before(echo()).await;
    for (kind, payload) in [(SETTINGS, &[][..]), (PING, &[7; 8])] {
        let answered = AtomicUsize::new(0);
        let is_answer = |frame: &Received| frame.kind == kind && frame.flags & ACK != 0;
        attack(&gateway, frame(kind, 0, 0, payload).repeat(5_000), |frame| {
            is_answer(frame) && answered.fetch_add(1, Ordering::Relaxed) == 4_999
        })
        .await;
        assert_eq!(answered.into_inner(), 5_000, "each is answered before the next one is read");
        assert_serves_others(&gateway).await;
    }
}

#[tokio::test]
async fn questions_whose_answers_nobody_reads() {
    let gateway = Listening::configured(echo(), |config| config.connections.stalled_ms = 100).await;
    for (kind, payload) in [(SETTINGS, &[][..]), (PING, &[7; 8])] {
        let socket = TcpSocket::new_v4().unwrap();
        // So that the system keeps few answers for somebody who does not read them, at either end.
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        socket2::SockRef::from(&socket).set_tcp_mss(536).unwrap();
        let mut client = socket.connect(gateway.address).await.unwrap();
        client.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
        let questions = frame(kind, 0, 0, payload).repeat(1_000);
        let asking = async {
            let mut asked = 0;
            while client.write_all(&questions).await.is_ok() {
                asked += questions.len();
                assert!(asked < 64 * 1024 * 1024, "the gateway reads no more than it can answer");
            }
        };
        timeout(GUARD, asking).await.expect("the gateway hangs up");
        assert_serves_others(&gateway).await;
    }
}

#[tokio::test]
async fn answers_to_questions_that_were_never_asked() {
    let gateway = Listening::before(echo()).await;
    let mut bytes = frame(PING, ACK, 0, &[7; 8]).repeat(10_000);
    bytes.extend(frame(0xee, 0, 0, b"nobody knows this kind").repeat(10_000));
    bytes.extend(frame(PING, 0, 0, b"are you?"));
    let received =
        attack(&gateway, bytes, |frame| frame.kind == GOAWAY || (frame.kind == PING && frame.payload == b"are you?"))
            .await;
    assert!(received.last().is_some_and(|frame| frame.kind == PING), "they are ignored: {:?}", received.last());
    assert_serves_others(&gateway).await;
}
