//! Each dialect, byte by byte, before an upstream that does everything right.

use http::{Method, Request, Version};
use http_body_util::Full;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, WEB, WEB_TEXT, call, read, request, send};
use crate::support::upstream::answering;
use crate::support::{frame, gateway, message};

const GET: &str = "/shop.v1.Orders/Get";

#[tokio::test]
async fn grpc_web_in_binary() {
    let answer = Answer::grpc().header("x-price", "9").data(message(b"one")).data(message(b"two")).trailers(&[
        ("grpc-status", "0"),
        ("x-seen", "a"),
        ("x-seen", "b"),
        ("x-key-bin", "YQ=="),
    ]);
    let (upstream, mut received) = answering(answer);
    let reply = call(&gateway(upstream), request(WEB, GET), message(b"hello")).await;

    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/grpc-web+proto"));
    assert_eq!(reply.header("x-price"), Some("9"));
    let lines = b"grpc-status:0\r\nx-seen:a\r\nx-seen:b\r\nx-key-bin:YQ\r\n";
    assert_eq!(reply.body, [message(b"one"), message(b"two"), frame(0x80, lines)].concat());
    assert_eq!(reply.trailers, None);

    let received = received.recv().await.unwrap();
    assert_eq!(received.head.uri.path(), GET);
    assert_eq!(received.header("content-type"), Some("application/grpc+proto"));
    assert_eq!(received.header("te"), Some("trailers"));
    assert_eq!(received.body.unwrap(), message(b"hello"));
}

#[tokio::test]
async fn grpc_web_in_text() {
    let (upstream, mut received) = answering(Answer::unary(b"answer"));
    // Two padded groups, as a client writes them that flushes between the prefix and the payload.
    let text = "AAAAAAU=aGVsbG8=";
    let reply = call(&gateway(upstream), request(WEB_TEXT, GET), text).await;

    assert_eq!(reply.header("content-type"), Some("application/grpc-web-text+proto"));
    // The message and the trailers are groups of their own: each can be decoded when it arrives.
    assert_eq!(reply.body, "AAAAAAZhbnN3ZXI=gAAAAA9ncnBjLXN0YXR1czowDQo=");
    assert_eq!(received.recv().await.unwrap().body.unwrap(), message(b"hello"));
}

#[tokio::test]
async fn native_grpc_passes_as_it_is() {
    let (upstream, mut received) = answering(Answer::unary(b"answer"));
    let body = [frame(1, b"squeezed"), message(b"")].concat();
    let reply = call(&gateway(upstream), request(NATIVE, GET), body.clone()).await;

    assert_eq!(reply.header("content-type"), Some("application/grpc"));
    assert_eq!(reply.body, message(b"answer"));
    assert_eq!(reply.trailers.unwrap().get("grpc-status").unwrap(), "0");
    assert_eq!(received.recv().await.unwrap().body.unwrap(), body);
}

#[tokio::test]
async fn trailers_only_stays_in_the_headers() {
    let refusal = Answer::grpc()
        .header("grpc-status", "5")
        .header("grpc-message", "no such order")
        .header("grpc-status-details-bin", "CAU");
    for content_type in [WEB, WEB_TEXT, NATIVE] {
        let (upstream, _received) = answering(refusal.clone());
        let response =
            send(&gateway(upstream), request(content_type, GET).body(Full::new(bytes::Bytes::new())).unwrap()).await;
        assert!(http_body::Body::is_end_stream(response.body()), "{content_type}: no empty frame follows");
        let reply = read(response).await;
        assert_eq!(reply.status, 200, "{content_type}");
        assert_eq!(reply.header("grpc-status"), Some("5"), "{content_type}");
        assert_eq!(reply.header("grpc-message"), Some("no such order"), "{content_type}");
        assert_eq!(reply.header("grpc-status-details-bin"), Some("CAU"), "{content_type}");
        assert_eq!((reply.body.len(), reply.trailers), (0, None), "{content_type}");
    }
}

#[tokio::test]
async fn content_types_in_any_spelling() {
    for (content_type, to_upstream, to_client) in [
        ("application/grpc-web", "application/grpc", "application/grpc-web+proto"),
        ("Application/gRPC-Web+PROTO; charset=utf-8", "application/grpc+proto", "application/grpc-web+proto"),
        ("application/grpc-web+json", "application/grpc+json", "application/grpc-web+proto"),
        ("APPLICATION/GRPC-WEB-TEXT", "application/grpc", "application/grpc-web-text+proto"),
    ] {
        let (upstream, mut received) = answering(Answer::unary(b""));
        let reply = call(&gateway(upstream), request(content_type, GET), "").await;
        assert_eq!(reply.header("content-type"), Some(to_client), "{content_type}");
        assert_eq!(received.recv().await.unwrap().header("content-type"), Some(to_upstream), "{content_type}");
    }
}

#[tokio::test]
async fn the_client_may_ask_for_the_other_encoding() {
    let (upstream, mut received) = answering(Answer::unary(b"a"));
    let gateway = gateway(upstream);

    let reply = call(&gateway, request(WEB, GET).header("accept", "application/grpc-web-text"), message(b"b")).await;
    assert_eq!(reply.header("content-type"), Some("application/grpc-web-text+proto"));
    assert_eq!(reply.body, "AAAAAAFhgAAAAA9ncnBjLXN0YXR1czowDQo=");
    let received = received.recv().await.unwrap();
    assert_eq!(received.body.as_ref().unwrap(), &message(b"b"));
    assert_eq!(received.header("accept"), None);

    let reply = call(&gateway, request(WEB_TEXT, GET).header("accept", "application/grpc-web"), "AAAAAAA=").await;
    assert_eq!(reply.header("content-type"), Some("application/grpc-web+proto"));
    assert_eq!(reply.messages(), ["a"]);
}

#[tokio::test]
async fn a_trailer_frame_of_the_request_ends_here() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let body = [message(b"hello"), frame(0x80, b"x-checksum: 1\r\n")].concat();
    assert_eq!(call(&gateway(upstream), request(WEB, GET), body).await.code(), tonic::Code::Ok);
    assert_eq!(received.recv().await.unwrap().body.unwrap(), message(b"hello"));
}

#[tokio::test]
async fn what_is_no_grpc_is_told_so_in_plain_http() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = gateway(upstream);
    let empty = || Full::new(bytes::Bytes::new());

    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let asked = Request::builder().method(&method).uri(GET).header("content-type", WEB).body(empty()).unwrap();
        let reply = read(send(&gateway, asked).await).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, Some("POST")), "{method}");
        assert!(reply.header("x-request-id").is_some());
    }
    for content_type in ["application/xml", "text/plain", "application/grpc-websocket"] {
        let reply = read(send(&gateway, request(content_type, GET).body(empty()).unwrap()).await).await;
        assert_eq!(reply.status, 415, "{content_type}");
        assert!(reply.body.starts_with(b"The content-type must be"), "{content_type}");
    }
    let without_type = Request::post(GET).body(empty()).unwrap();
    assert_eq!(read(send(&gateway, without_type).await).await.status, 415);

    let over_http1 = request(NATIVE, GET).version(Version::HTTP_11).body(empty()).unwrap();
    assert_eq!(read(send(&gateway, over_http1).await).await.status, 505);
    assert!(received.try_recv().is_err(), "none of this reaches the upstream");
}

#[tokio::test]
async fn a_message_is_passed_on_before_the_next_one_is_there() {
    for content_type in [WEB, NATIVE] {
        let (upstream, _received) = answering(Answer::grpc().data(message(b"first")).never());
        let asked = request(content_type, "/shop.v1.Orders/Watch").body(Full::new(message(b""))).unwrap();
        let mut response = send(&gateway(upstream), asked).await;
        let frame = http_body_util::BodyExt::frame(response.body_mut()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), message(b"first"), "{content_type}");
    }
}
