//! Upstreams that misbehave on purpose. Whatever they do, the client gets a status, and never a silent OK.

use h2::Reason;
use tonic::{Code, Status};

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, Reply, WEB, WEB_TEXT, call, decode_groups, request};
use crate::support::upstream::{careless, failing};
use crate::support::{frame, gateway, message};

const GET: &str = "/shop.v1.Orders/Get";

/// What the upstream does; the messages that the client still gets; the status; a part of its message.
struct Case(&'static str, Answer, &'static [&'static str], Code, &'static str);

fn cases() -> Vec<Case> {
    let one = || Answer::grpc().data(message(b"one"));
    let big = u32::try_from(5 * 1024 * 1024).unwrap().to_be_bytes();
    vec![
        Case("ends without anything", Answer::grpc(), &[], Code::Internal, "without trailers"),
        Case("ends without trailers", one(), &["one"], Code::Internal, "without trailers"),
        Case("ends inside a prefix", one().data(&b"\0\0"[..]), &["one"], Code::Internal, "2 of the 5 bytes"),
        Case("ends inside a message", one().data(&b"\0\0\0\0\x09tw"[..]), &["one"], Code::Internal, "2 of the 9 bytes"),
        Case(
            "sends trailers inside a message",
            one().data(&b"\0\0\0\0\x09tw"[..]).trailers(&[("grpc-status", "0")]),
            &["one"],
            Code::Internal,
            "2 of the 9 bytes",
        ),
        Case("sends flags that do not exist", one().data(frame(4, b"x")), &["one"], Code::Internal, "flags 0x04"),
        Case("sends a gRPC-Web trailer", one().data(frame(0x80, b"x")), &["one"], Code::Internal, "flags 0x80"),
        Case(
            "sends a message that is too long",
            one().data([&[0][..], &big].concat()),
            &["one"],
            Code::ResourceExhausted,
            "5242880 bytes is longer",
        ),
        Case("is reset", one().reset(Reason::INTERNAL_ERROR), &["one"], Code::Internal, "the upstream failed"),
        Case("is refused", one().reset(Reason::REFUSED_STREAM), &["one"], Code::Unavailable, "the upstream failed"),
        Case("is cancelled", one().reset(Reason::CANCEL), &["one"], Code::Cancelled, "the upstream failed"),
        Case(
            "is reset inside a message",
            one().data(&b"\0\0\0\0\x09tw"[..]).reset(Reason::ENHANCE_YOUR_CALM),
            &["one"],
            Code::ResourceExhausted,
            "the upstream failed",
        ),
        Case("fails on purpose", one().fail(Status::data_loss("gone")), &["one"], Code::DataLoss, "gone"),
        Case(
            "sends trailers without a status",
            one().trailers(&[("x-left", "1")]),
            &["one"],
            Code::Unknown,
            "without a grpc-status",
        ),
        Case(
            "sends a status that is no number",
            one().trailers(&[("grpc-status", "fine")]),
            &["one"],
            Code::Unknown,
            "no number",
        ),
        Case("sends an empty status", Answer::grpc().header("grpc-status", ""), &[], Code::Unknown, "no number"),
        Case(
            "sends a status in the headers and then messages",
            one().header("grpc-status", "0"),
            &[],
            Code::Unknown,
            "after it had ended",
        ),
        Case(
            "answers with a page",
            Answer::grpc().without_header("content-type").header("content-type", "text/html").data("<html>"),
            &[],
            Code::Unknown,
            "text/html",
        ),
        Case(
            "answers without a content type",
            Answer::unary(b"one").without_header("content-type"),
            &[],
            Code::Unknown,
            "not gRPC",
        ),
        Case("answers 400", Answer::unary(b"one").http_status(400), &[], Code::Internal, "status 400"),
        Case("answers 401", Answer::unary(b"one").http_status(401), &[], Code::Unauthenticated, "status 401"),
        Case("answers 403", Answer::unary(b"one").http_status(403), &[], Code::PermissionDenied, "status 403"),
        Case("answers 404", Answer::unary(b"one").http_status(404), &[], Code::Unimplemented, "status 404"),
        Case("answers 429", Answer::unary(b"one").http_status(429), &[], Code::Unavailable, "status 429"),
        Case("answers 502", Answer::unary(b"one").http_status(502), &[], Code::Unavailable, "status 502"),
        Case("answers 503", Answer::unary(b"one").http_status(503), &[], Code::Unavailable, "status 503"),
        Case("answers 504", Answer::unary(b"one").http_status(504), &[], Code::Unavailable, "status 504"),
        Case("answers 500", Answer::unary(b"one").http_status(500), &[], Code::Unknown, "status 500"),
        Case("answers 302", Answer::unary(b"one").http_status(302), &[], Code::Unknown, "status 302"),
    ]
}

#[tokio::test]
async fn over_grpc_web_the_status_is_in_the_body_or_in_the_headers() {
    for Case(what, answer, messages, code, part) in cases() {
        let reply = call(&gateway(careless(answer)), request(WEB, GET), message(b"")).await;
        assert_status(what, &reply, code, part);
        assert_eq!(reply.messages(), messages, "{what}");
        if !messages.is_empty() {
            let whole: usize = messages.iter().map(|payload| payload.len() + 5).sum();
            let trailer = &reply.body[whole..];
            assert_eq!(trailer[0], 0x80, "{what}: nothing but whole messages comes before the trailer frame");
            assert_eq!(trailer.len() - 5, u32::from_be_bytes(trailer[1..5].try_into().unwrap()) as usize, "{what}");
        }
    }
}

#[tokio::test]
async fn over_grpc_web_text_the_trailer_frame_can_be_decoded_too() {
    let cut = Answer::grpc().data(message(b"one")).data(&b"\0\0\0\0\x09tw"[..]);
    let reply = call(&gateway(careless(cut)), request(WEB_TEXT, GET), "").await;
    let (first, rest) = reply.body.split_at(12);
    assert_eq!(first, b"AAAAAANvbmU=");
    let trailer = decode_groups(rest);
    assert_eq!(trailer[0], 0x80);
    assert!(trailer[5..].starts_with(b"grpc-status:13\r\n"), "{:?}", String::from_utf8_lossy(&trailer));
}

#[tokio::test]
async fn over_native_grpc_the_status_is_in_trailers_or_in_the_headers() {
    for Case(what, answer, messages, code, part) in cases() {
        let reply = call(&gateway(careless(answer)), request(NATIVE, GET), message(b"")).await;
        assert_status(what, &reply, code, part);
        assert_eq!(reply.messages(), messages, "{what}");
        assert!(reply.headers.contains_key("grpc-status") != reply.trailers.is_some(), "{what}: one status");
    }
}

fn assert_status(what: &str, reply: &Reply, code: Code, part: &str) {
    let status = reply.grpc_status();
    assert_eq!(reply.status, 200, "{what}");
    assert_eq!(status.code(), code, "{what}: {status:?}");
    assert!(status.message().contains(part), "{what}: {status:?}");
}

#[tokio::test]
async fn a_failure_before_the_headers_is_a_status_by_its_kind() {
    for (reason, code) in [
        (Reason::NO_ERROR, Code::Internal),
        (Reason::PROTOCOL_ERROR, Code::Internal),
        (Reason::INTERNAL_ERROR, Code::Internal),
        (Reason::FLOW_CONTROL_ERROR, Code::Internal),
        (Reason::SETTINGS_TIMEOUT, Code::Internal),
        (Reason::STREAM_CLOSED, Code::Unknown),
        (Reason::FRAME_SIZE_ERROR, Code::Internal),
        (Reason::COMPRESSION_ERROR, Code::Internal),
        (Reason::CONNECT_ERROR, Code::Internal),
        (Reason::HTTP_1_1_REQUIRED, Code::Unknown),
        (Reason::REFUSED_STREAM, Code::Unavailable),
        (Reason::CANCEL, Code::Cancelled),
        (Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
        (Reason::INADEQUATE_SECURITY, Code::PermissionDenied),
    ] {
        let gateway = gateway(failing(move || Box::new(h2::Error::from(reason))));
        let reply = call(&gateway, request(WEB, GET), message(b"")).await;
        assert_eq!((reply.code(), reply.header("grpc-status").is_some()), (code, true), "{reason:?}");
        assert_eq!(reply.reason(), "UPSTREAM_FAILED");
    }
    let gateway = gateway(failing(|| "connection refused (10.0.0.7:9000)".into()));
    let reply = call(&gateway, request(WEB, GET), message(b"")).await;
    assert_eq!(reply.code(), Code::Unavailable);
    assert_eq!(reply.grpc_status().message(), "the upstream failed", "the client does not learn addresses");
}

#[tokio::test]
async fn a_status_in_the_headers_with_an_empty_body_that_ends_later_is_fine() {
    let late_end = Answer::grpc().header("grpc-status", "9").header("grpc-message", "not now").data("");
    for content_type in [WEB, NATIVE] {
        let reply = call(&gateway(careless(late_end.clone())), request(content_type, GET), message(b"")).await;
        assert_eq!(reply.code(), Code::FailedPrecondition, "{content_type}");
        assert_eq!(reply.grpc_status().message(), "not now", "{content_type}");
    }
}

#[tokio::test]
async fn a_grpc_status_beside_another_http_status_is_believed() {
    let answer = Answer::grpc().http_status(503).header("grpc-status", "8");
    let reply = call(&gateway(careless(answer)), request(WEB, GET), message(b"")).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (200, Code::ResourceExhausted));
}

#[tokio::test]
async fn headers_of_the_connection_to_the_upstream_stay_there() {
    let answer = Answer::unary(b"one")
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("keep-alive", "timeout=5")
        .header("content-length", "8");
    let reply = call(&gateway(careless(answer)), request(WEB, GET), message(b"")).await;
    for name in ["connection", "x-hop", "keep-alive", "content-length"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
}
