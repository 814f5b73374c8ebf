//! Requests that are wrong, and what their senders are told.

use http_body::Frame;
use http_body_util::{Full, StreamBody};
use tonic::Code;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, Reply, WEB, WEB_TEXT, call, call_in_chunks, read, request, send};
use crate::support::upstream::{answering, careless, echo};
use crate::support::{frame, gateway, gateway_with, message};

const GET: &str = "/shop.v1.Orders/Get";
const TALK: &str = "/shop.v1.Orders/Talk";

#[tokio::test]
async fn a_malformed_body_is_internal_with_a_sentence() {
    let cases: [(&str, &str, Vec<u8>, &str); 12] = [
        ("unknown flags", WEB, frame(2, b"a").to_vec(), "unknown flags 0x02"),
        ("unknown flags", NATIVE, frame(0xff, b"a").to_vec(), "unknown flags 0xff"),
        ("a trailer frame", NATIVE, frame(0x80, b"").to_vec(), "unknown flags 0x80"),
        ("a cut prefix", WEB, vec![0, 0, 0], "3 of the 5 bytes"),
        ("a cut prefix", NATIVE, vec![0, 0, 0], "3 of the 5 bytes"),
        ("a cut message", WEB, message(b"abcdef")[..8].to_vec(), "3 of the 6 bytes"),
        ("a cut message", NATIVE, message(b"abcdef")[..8].to_vec(), "3 of the 6 bytes"),
        ("a cut trailer frame", WEB, frame(0x80, b"a: b\r\n")[..7].to_vec(), "2 of the 6 bytes"),
        ("a message after the end", WEB, [frame(0x80, b""), message(b"a")].concat(), "follows the trailer frame"),
        ("a message after the end", WEB_TEXT, b"gAAAAAA=AAAAAAA=".to_vec(), "follows the trailer frame"),
        ("no base64", WEB_TEXT, b"AAAA!AAA".to_vec(), "not base64"),
        ("a cut group", WEB_TEXT, b"AAAAAAA".to_vec(), "3 of the 4 characters"),
    ];
    for (what, content_type, body, sentence) in cases {
        let (upstream, _received) = answering(Answer::unary(b"the upstream makes something of it"));
        let reply = call(&gateway(upstream), request(content_type, GET), body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (200, Code::Internal), "{what}, {content_type}");
        assert!(reply.grpc_status().message().contains(sentence), "{what}, {content_type}: {:?}", reply.grpc_status());
        assert_eq!(reply.reason(), "REQUEST_MALFORMED", "{what}, {content_type}");
        assert!(reply.body.is_empty(), "{what}, {content_type}");
    }
}

#[tokio::test]
async fn a_message_above_the_limit_is_refused_from_its_prefix() {
    for content_type in [WEB, NATIVE] {
        let (upstream, mut received) = answering(Answer::unary(b""));
        let gateway = gateway_with(upstream, |config| config.messages.max_request_bytes = 10).service();
        let fits = call(&gateway, request(content_type, GET), message(b"0123456789")).await;
        assert_eq!(fits.code(), Code::Ok, "{content_type}");
        assert!(received.recv().await.unwrap().body.is_some());

        let never_ends = futures::StreamExt::chain(
            futures::stream::iter([Ok::<_, std::io::Error>(Frame::data((&[0u8, 0, 0, 0, 11][..]).into()))]),
            futures::stream::pending(),
        );
        let asked = request(content_type, GET).body(StreamBody::new(never_ends)).unwrap();
        let reply = read(send(&gateway, asked).await).await;
        assert_too_long(&reply, "11 bytes is longer than the 10");
        assert!(received.recv().await.unwrap().body.is_none(), "the upstream does not get it");
    }
}

fn assert_too_long(reply: &Reply, sentence: &str) {
    assert_eq!(reply.code(), Code::ResourceExhausted);
    assert_eq!(reply.reason(), "MESSAGE_TOO_LONG");
    assert!(reply.grpc_status().message().contains(sentence), "{:?}", reply.grpc_status());
}

#[tokio::test]
async fn the_default_limit_is_four_mebibytes() {
    let gateway = gateway(careless(Answer::unary(b"")));
    let (longest, too_long) = (vec![7; 4 * 1024 * 1024], vec![7; 4 * 1024 * 1024 + 1]);
    assert_eq!(call(&gateway, request(WEB, GET), message(&longest)).await.code(), Code::Ok);

    let (upstream, _received) = answering(Answer::unary(b""));
    let gateway = crate::support::gateway(upstream);
    assert_eq!(call(&gateway, request(WEB, GET), message(&longest)).await.code(), Code::Ok);
    assert_too_long(&call(&gateway, request(WEB, GET), message(&too_long)).await, "4194305 bytes");
}

#[tokio::test]
async fn a_trailer_frame_of_a_request_has_a_limit_too() {
    for (length, code) in [(16 * 1024, Code::Ok), (16 * 1024 + 1, Code::ResourceExhausted)] {
        let (upstream, _received) = answering(Answer::unary(b""));
        let body = [message(b""), frame(0x80, &vec![b'a'; length])].concat();
        let reply = call(&gateway(upstream), request(WEB, GET), body).await;
        assert_eq!(reply.code(), code, "{length}");
    }
}

#[tokio::test]
async fn a_stream_that_goes_wrong_in_the_middle_ends_with_the_fault() {
    for content_type in [WEB, NATIVE] {
        let chunks = vec![message(b"fine"), frame(7, b"wrong"), message(b"never")];
        let reply = call_in_chunks(&gateway(echo()), request(content_type, TALK), chunks).await;
        assert_eq!(reply.code(), Code::Internal, "{content_type}");
        assert!(reply.grpc_status().message().contains("unknown flags 0x07"), "{content_type}");
        assert!(reply.messages().len() <= 1, "{content_type}");
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_is_cancelled() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let frames = futures::stream::iter([
        Ok(Frame::data(message(b"first"))),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    let reply =
        read(send(&gateway(upstream), request(NATIVE, TALK).body(StreamBody::new(frames)).unwrap()).await).await;
    assert_eq!((reply.code(), reply.reason().as_str()), (Code::Cancelled, "REQUEST_BROKEN_OFF"));
    assert!(received.recv().await.unwrap().body.is_none());
}

#[tokio::test]
async fn an_upstream_that_answers_before_it_reads_is_not_overruled() {
    let refusal = Answer::grpc().header("grpc-status", "7");
    let asked = request(NATIVE, GET).body(Full::new(frame(9, b"never read"))).unwrap();
    let reply = read(send(&gateway(careless(refusal)), asked).await).await;
    assert_eq!(reply.code(), Code::PermissionDenied);
}
