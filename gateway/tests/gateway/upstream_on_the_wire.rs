//! Upstreams that break the rules of HTTP/2 on a socket. The client gets whole messages and a status.

use std::net::SocketAddr;
use std::time::Duration;

use bojagi_gateway::{Cluster, ClusterPorts, GatewayConfig, GatewayService};
use tonic::Code;

use crate::support::client::{NATIVE, Reply, WEB, WEB_TEXT, call, decode_groups, request};
use crate::support::http2::{DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, frame, headers, reset, window_update};
use crate::support::raw_upstream::{Script, listen};
use crate::support::{gateway, message};

const GET: &str = "/shop.v1.Orders/Get";
/// Longer than anything here takes; so that a mistake fails instead of hanging.
const GUARD: Duration = Duration::from_secs(20);

/// A gateway before the server at `address`, with a cluster in between as in real life.
fn gateway_before(address: SocketAddr) -> GatewayService {
    let urls = [format!("http://{address}")];
    let cluster = Cluster::new(&urls, GatewayConfig::default().upstreams, ClusterPorts::default()).unwrap();
    gateway(cluster.upstream())
}

async fn answered(content_type: &str, script: Script) -> Reply {
    let gateway = gateway_before(listen(script).await);
    let body = if content_type == WEB_TEXT { "AAAAAAA=".into() } else { message(b"") };
    tokio::time::timeout(GUARD, call(&gateway, request(content_type, GET), body)).await.expect("a call ends")
}

fn head(stream: u32) -> Vec<u8> {
    headers(0, stream, &[(":status", "200"), ("content-type", "application/grpc")])
}

fn data(stream: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, flags, stream, bytes)
}

fn one(stream: u32) -> Vec<u8> {
    data(stream, 0, &message(b"one"))
}

fn trailers(stream: u32) -> Vec<u8> {
    headers(END_STREAM, stream, &[("grpc-status", "0"), ("x-end-bin", "YQ=="), ("x-seen", "a"), ("x-seen", "b")])
}

/// What the upstream does; its bytes; whether it cuts the connection then; how many messages the client still gets; the status.
struct Case(&'static str, Writes, bool, usize, Code);

/// What an upstream writes on a stream.
type Writes = fn(u32) -> Vec<u8>;

const CASES: [Case; 21] = [
    Case("answers", |s| [head(s), one(s), trailers(s)].concat(), false, 1, Code::Ok),
    Case(
        "answers and resets with NO_ERROR",
        |s| [head(s), one(s), trailers(s), reset(s, 0)].concat(),
        false,
        1,
        Code::Ok,
    ),
    Case(
        "says 103 and 100 first",
        |s| {
            let early = headers(0, s, &[(":status", "103"), ("link", "</style.css>")]);
            [early, headers(0, s, &[(":status", "100")]), head(s), one(s), trailers(s)].concat()
        },
        false,
        1,
        Code::Ok,
    ),
    Case(
        "pads its frames and sends one that nobody knows",
        |s| {
            let padded = [&[3][..], &message(b"one"), &[0; 3]].concat();
            [head(s), frame(0xee, 0xff, s, b"?"), data(s, 0x8, &padded), data(s, 0, b""), trailers(s)].concat()
        },
        false,
        1,
        Code::Ok,
    ),
    Case(
        "cuts its trailers into CONTINUATION frames",
        |s| {
            let whole = trailers(s).split_off(9);
            let (first, second) = whole.split_at(whole.len() / 2);
            let first = frame(HEADERS, END_STREAM, s, first);
            [head(s), one(s), first, frame(0x9, END_HEADERS, s, second)].concat()
        },
        false,
        1,
        Code::Ok,
    ),
    Case(
        "ends the stream without trailers",
        |s| [head(s), data(s, END_STREAM, &message(b"one"))].concat(),
        false,
        1,
        Code::Internal,
    ),
    Case(
        "ends the stream with its headers",
        |s| headers(END_STREAM, s, &[(":status", "200"), ("content-type", "application/grpc")]),
        false,
        0,
        Code::Internal,
    ),
    Case(
        "cuts a message with trailers",
        |s| [head(s), data(s, 0, b"\0\0\0\0\x09o"), trailers(s)].concat(),
        false,
        0,
        Code::Internal,
    ),
    Case("cuts the connection without a word", |_| Vec::new(), true, 0, Code::Unavailable),
    Case("cuts the connection after its headers", head, true, 0, Code::Unavailable),
    Case("cuts the connection after a message", |s| [head(s), one(s)].concat(), true, 1, Code::Unavailable),
    Case(
        "says GOAWAY for what it has begun",
        |s| [head(s), one(s), frame(GOAWAY, 0, 0, &[0; 8])].concat(),
        true,
        1,
        Code::Unavailable,
    ),
    Case(
        "sends a header without a name",
        |s| [head(s), one(s), headers(END_STREAM, s, &[("", "x")])].concat(),
        false,
        1,
        Code::Internal,
    ),
    Case(
        "sends a header in upper case",
        |s| headers(0, s, &[(":status", "200"), ("Content-Type", "application/grpc")]),
        false,
        0,
        Code::Internal,
    ),
    Case("sends a status that is none", |s| headers(0, s, &[(":status", "2000")]), false, 0, Code::Internal),
    Case(
        "sends trailers that do not end the stream",
        |s| [head(s), one(s), headers(0, s, &[("grpc-status", "0")])].concat(),
        false,
        1,
        Code::Internal,
    ),
    Case("sends data before its headers", one, false, 0, Code::Internal),
    Case("gives a window of nothing", |s| [head(s), one(s), window_update(s, 0)].concat(), false, 1, Code::Internal),
    Case(
        "sends frames that are too long",
        |s| [head(s), one(s), frame(DATA, 0, s, &[0; 40_000])].concat(),
        false,
        1,
        Code::Internal,
    ),
    Case(
        "sends a page",
        |s| {
            [headers(0, s, &[(":status", "200"), ("content-type", "text/html")]), data(s, END_STREAM, b"<html>")]
                .concat()
        },
        false,
        0,
        Code::Unknown,
    ),
    Case(
        "is not found",
        |s| headers(END_STREAM, s, &[(":status", "404"), ("content-type", "text/plain")]),
        false,
        0,
        Code::Unimplemented,
    ),
];

#[tokio::test]
async fn every_answer_ends_with_a_status() {
    for Case(what, answer, cuts, messages, code) in CASES {
        for content_type in [WEB, NATIVE] {
            let reply = answered(content_type, Script::new(answer).and_cut(cuts)).await;
            let status = reply.grpc_status();
            assert_eq!(reply.status, 200, "{what}, {content_type}");
            assert_eq!(status.code(), code, "{what}, {content_type}: {status:?}");
            assert_eq!(reply.messages().len(), messages, "{what}, {content_type}");
        }
    }
}

#[tokio::test]
async fn a_right_answer_byte_for_byte() {
    let script = || Script::new(|s| [head(s), one(s), one(s), trailers(s)].concat());
    let lines = b"grpc-status:0\r\nx-end-bin:YQ\r\nx-seen:a\r\nx-seen:b\r\n";
    let expected = [message(b"one"), message(b"one"), crate::support::frame(0x80, lines)].concat();
    assert_eq!(answered(WEB, script()).await.body, expected);

    let text = answered(WEB_TEXT, script()).await.body;
    assert_eq!(decode_groups(&text), expected);
    let of_trailers =
        text.windows(4).position(|group| group == b"gAAA").expect("the trailer frame is a group of its own");
    assert_eq!(decode_groups(&text[..of_trailers]), [message(b"one"), message(b"one")].concat());
}

/// The codes of RFC 9113, 7, and one that nobody has given a meaning, with what gRPC makes of them.
const RESETS: [(u32, Code); 15] = [
    (0x0, Code::Internal),
    (0x1, Code::Internal),
    (0x2, Code::Internal),
    (0x3, Code::Internal),
    (0x4, Code::Internal),
    (0x5, Code::Unknown),
    (0x6, Code::Internal),
    (0x7, Code::Unavailable),
    (0x8, Code::Cancelled),
    (0x9, Code::Internal),
    (0xa, Code::Internal),
    (0xb, Code::ResourceExhausted),
    (0xc, Code::PermissionDenied),
    (0xd, Code::Unknown),
    (0xee, Code::Unknown),
];

#[tokio::test]
async fn resets_by_their_code() {
    let places: [(&str, Writes, usize); 3] = [
        ("before the headers", |_| Vec::new(), 0),
        ("after the headers", head, 0),
        ("after a message", |s| [head(s), one(s)].concat(), 1),
    ];
    for (place, before, messages) in places {
        for (reason, code) in RESETS {
            let script = Script::new(move |s| [before(s), reset(s, reason)].concat());
            let reply = answered(WEB, script).await;
            assert_eq!((reply.code(), reply.messages().len()), (code, messages), "code {reason:#x} {place}");
        }
    }
}
