//! Whoever is fast waits for whoever is slow; the gateway holds little in between. A client that does not read its socket is in
//! `slow_clients.rs`.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{GUARD, Listening};
use crate::support::http2::{
    ACK, DATA, END_STREAM, PING, PREFACE, SETTINGS, WINDOW_UPDATE, frame, headers, read_frame,
};
use crate::support::message;
use crate::support::upstream::{Pulled, deaf, endless};

const WATCH: &str = "/shop.v1.Orders/Watch";
/// Several times what a stream may hold, and nothing beside what an endless stream would come to.
const LITTLE: usize = 4 * 1024 * 1024;
/// What the system keeps between the ends of a socket comes on top over HTTP/1.1.
const LITTLE_WITH_SOCKETS: usize = 32 * 1024 * 1024;
/// So often the gateway has its turn without pulling anything before it is believed to wait.
const TURNS: usize = 10;

fn watch(content_type: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", WATCH),
        (":authority", "shop.example"),
        ("content-type", content_type),
    ];
    [PREFACE, &frame(SETTINGS, 0, 0, &[]), &headers(0, 1, &fields)].concat()
}

/// Until the gateway has begun to pull and pulls no more, although it is busy with pings.
async fn until_nothing_is_pulled(client: &mut TcpStream, pulled: &Pulled) {
    let mut turns = 0;
    while turns < TURNS {
        let before = pulled.bytes();
        client.write_all(&frame(PING, 0, 0, &[1; 8])).await.unwrap();
        while read_frame(client).await.unwrap().kind != PING {}
        assert!(pulled.bytes() < LITTLE, "{} bytes were pulled", pulled.bytes());
        turns = if before > 0 && pulled.bytes() == before { turns + 1 } else { 0 };
    }
}

#[tokio::test]
async fn an_upstream_waits_for_a_client_that_does_not_open_its_window() {
    for content_type in ["application/grpc", "application/grpc-web", "application/grpc-web-text"] {
        let (upstream, pulled, _call) = endless();
        let gateway = Listening::before(upstream).await;
        let mut client = gateway.connect().await;
        client.write_all(&[watch(content_type), frame(DATA, END_STREAM, 1, b"")].concat()).await.unwrap();
        timeout(GUARD, until_nothing_is_pulled(&mut client, &pulled)).await.expect(content_type);
    }
}

#[tokio::test]
async fn a_client_waits_for_an_upstream_that_does_not_read_over_h2c() {
    let (upstream, _calls) = deaf();
    let gateway = Listening::before(upstream).await;
    let mut client = gateway.connect().await;
    client.write_all(&watch("application/grpc")).await.unwrap();

    let (mut of_connection, mut of_stream) = (65_535, 65_535);
    let mut sent = 0;
    loop {
        let received = read_frame(&mut client).await.unwrap();
        let increment = || u32::from_be_bytes(received.payload[..4].try_into().unwrap()) as usize;
        match received.kind {
            SETTINGS if received.flags & ACK == 0 => {
                let settings = received.payload.chunks(6).find(|setting| setting[..2] == [0, 4]);
                of_stream = settings.map_or(of_stream, |s| u32::from_be_bytes(s[2..].try_into().unwrap()) as usize);
            }
            WINDOW_UPDATE if received.stream == 0 => of_connection += increment(),
            WINDOW_UPDATE => of_stream += increment(),
            PING if received.flags & ACK != 0 => break,
            _ => {}
        }
        // All that may be sent is sent, and then a PING, whose answer comes after everything that the gateway has to say to it.
        let allowed = of_connection.min(of_stream) - sent;
        let chunk = vec![0; 16 * 1024];
        for size in std::iter::repeat_n(chunk.len(), allowed / chunk.len()).chain([allowed % chunk.len()]) {
            client.write_all(&frame(DATA, 0, 1, &chunk[..size])).await.unwrap();
            sent += size;
        }
        if received.kind == SETTINGS && received.flags & ACK != 0 {
            client.write_all(&frame(PING, 0, 0, &[1; 8])).await.unwrap();
        }
        assert!(sent < LITTLE, "{sent} bytes were taken, and nobody has read them");
    }
    assert!(sent > 0);
}

#[tokio::test]
async fn a_client_waits_for_an_upstream_that_does_not_read_over_http1() {
    let (upstream, _calls) = deaf();
    let gateway = Listening::before(upstream).await;
    let (mut reader, mut writer) = gateway.connect().await.into_split();
    let head = format!(
        "POST {WATCH} HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/grpc-web\r\n\
         grpc-timeout: 500m\r\ncontent-length: 1000000000\r\n\r\n"
    );
    writer.write_all(head.as_bytes()).await.unwrap();
    let body = message(&[0; 16 * 1024]);
    let writing = async {
        for _ in 0..LITTLE_WITH_SOCKETS / body.len() {
            writer.write_all(&body).await.unwrap();
        }
    };
    // There is an answer when the deadline has ended the call, and not before.
    tokio::select! {
        biased;
        answer = timeout(GUARD, reader.read_u8()) => assert_eq!(answer.expect("the call ends").unwrap(), b'H'),
        () = writing => panic!("{LITTLE_WITH_SOCKETS} bytes were taken, and nobody has read them"),
    }
}
