use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncWriteExt;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{GUARD, Listening, exchange, http1_request, read_until};
use crate::support::answer::Answer;
use crate::support::upstream::{answering, careless, echo, silent};
use crate::support::{frame, gateway_with, message};

const GET: &str = "/shop.v1.Orders/Get";

#[tokio::test]
async fn native_grpc_over_h2c() {
    let gateway = Listening::before(echo()).await;
    let channel = Endpoint::from_shared(format!("http://{}", gateway.address)).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);

    gateway.readiness.set_serving(false);
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    gateway.readiness.set_serving(true);
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
}

#[tokio::test]
async fn a_refusal_over_h2c_is_an_error_with_details() {
    use tonic_types::StatusExt;
    let gateway = Listening::before(echo()).await;
    let channel = Endpoint::from_shared(format!("http://{}", gateway.address)).unwrap().connect().await.unwrap();
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    // The messages of health stand in for those of the shop: the gateway does not look into them.
    let codec = tonic_health_codec();
    let path = http::uri::PathAndQuery::from_static("/shop.v1.Orders/Mine");
    let refused = grpc.unary(tonic::Request::new(HealthCheckRequest::default()), path, codec).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "TOKEN_MISSING");
}

fn tonic_health_codec() -> tonic_prost::ProstCodec<HealthCheckRequest, HealthCheckRequest> {
    tonic_prost::ProstCodec::default()
}

#[tokio::test]
async fn grpc_web_over_http1_byte_by_byte() {
    let (upstream, mut received) = answering(Answer::unary(b"answer"));
    let gateway = Listening::before(upstream).await;
    let request = http1_request(GET, "connection: close\r\nx-forwarded-for: 10.0.0.1\r\n", &message(b"hello"));
    let answer = exchange(&mut gateway.connect().await, &request).await;

    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: application/grpc-web+proto"), "{head}");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(head.contains("x-request-id: "), "{head}");
    let expected = "B\r\n\0\0\0\0\u{6}answer\r\n14\r\n\u{fffd}\0\0\0\u{f}grpc-status:0\r\n\r\n0\r\n\r\n";
    assert_eq!(body, expected);

    let received = received.recv().await.unwrap();
    assert_eq!(received.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(received.header("x-forwarded-proto"), Some("http"));
    assert_eq!(received.body.unwrap(), message(b"hello"));
}

#[tokio::test]
async fn a_refusal_over_http1_has_its_status_in_the_headers_and_no_body() {
    let gateway = Listening::before(echo()).await;
    let request = http1_request("/shop.v1.Orders/Mine", "connection: close\r\n", &message(b""));
    let answer = exchange(&mut gateway.connect().await, &request).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("grpc-status: 16") && head.contains("content-length: 0"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn one_connection_serves_many_calls_over_http1() {
    let gateway = Listening::before(echo()).await;
    let mut stream = gateway.connect().await;
    for _ in 0..3 {
        stream.write_all(&http1_request(GET, "", &message(b"again"))).await.unwrap();
        read_until(&mut stream, "0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn a_request_that_is_answered_before_its_end_leaves_the_connection_open() {
    let gateway = Listening::before(careless(Answer::unary(b"early"))).await;
    let length = http1_request(GET, "", &message(&[0; 100]));
    let (_, body) = length.split_at(length.len() - 105);
    let chunked_head = format!(
        "POST {GET} HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/grpc-web+proto\r\n\
         transfer-encoding: chunked\r\n\r\n69\r\n"
    );
    let chunked = [chunked_head.as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
    let refused = http1_request("/shop.v1.Orders/Mine", "", &message(&[0; 100]));

    for (what, request, end_of_answer) in [
        ("by the upstream, of a given length", &length, "0\r\n\r\n"),
        ("by the upstream, in chunks", &chunked, "0\r\n\r\n"),
        ("by the gateway", &refused, "\r\n\r\n"),
    ] {
        let mut stream = gateway.connect().await;
        let (begun, rest) = request.split_at(request.len() - 3);
        for _ in 0..3 {
            stream.write_all(begun).await.unwrap();
            let answer = read_until(&mut stream, end_of_answer).await;
            assert!(answer.ends_with(end_of_answer), "{what}: {answer}");
            stream.write_all(rest).await.unwrap();
        }
    }
}

#[tokio::test]
async fn grpc_web_over_h2c() {
    let gateway = Listening::before(echo()).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<bytes::Bytes>>();
    let request = Request::post(format!("http://{}/shop.v1.Orders/Talk", gateway.address))
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc-web+proto")
        .body(Full::new(message(b"hello")))
        .unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
    let body = response.into_body().collect().await.unwrap();
    assert!(body.trailers().is_none());
    assert_eq!(body.to_bytes(), [message(b"hello"), frame(0x80, b"grpc-status:0\r\n")].concat());
}

#[tokio::test]
async fn large_messages_pass_in_both_directions() {
    let gateway = Listening::before(echo()).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<bytes::Bytes>>();
    let large = message(&vec![0x5a; 4 * 1024 * 1024]);
    for content_type in ["application/grpc-web+proto", "application/grpc"] {
        let request = Request::post(format!("http://{}/shop.v1.Orders/Talk", gateway.address))
            .version(Version::HTTP_2)
            .header("content-type", content_type)
            .body(Full::new(large.clone()))
            .unwrap();
        let body = client.request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(&large), "{content_type}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_over_http1_cancels_the_call() {
    let (upstream, mut at_upstream) = silent();
    let gateway = Listening::before(upstream).await;
    let mut stream = gateway.connect().await;
    stream.write_all(&http1_request(GET, "", &message(b""))).await.unwrap();
    assert!(at_upstream.recv().await.is_some());
    drop(stream);
    let ended = tokio::time::timeout(GUARD, at_upstream.recv()).await.expect("the upstream is told");
    assert!(ended.is_none());
}

#[tokio::test]
async fn a_client_that_goes_away_over_h2c_cancels_the_call() {
    let (upstream, mut at_upstream) = silent();
    let gateway = Listening::before(upstream).await;
    let stream = gateway.connect().await;
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("http://{}{GET}", gateway.address))
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let mut client = client.ready().await.unwrap();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    body.send_data(message(b""), false).unwrap();
    assert!(at_upstream.recv().await.is_some());
    body.send_reset(h2::Reason::CANCEL);
    drop(answer);
    let ended = tokio::time::timeout(GUARD, at_upstream.recv()).await.expect("the upstream is told");
    assert!(ended.is_none());
    connection.abort();
}

#[tokio::test]
async fn a_taken_port_is_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = gateway_with(echo(), |_| {}).bind(address).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")), "{error}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_whom_it_names() {
    let (upstream, mut received) = answering(Answer::unary(b""));
    let gateway = Listening::configured(upstream, |config| config.proxies.trusted = vec!["127.0.0.0/8".into()]).await;
    let forwarded =
        "x-forwarded-for: 6.6.6.6, 203.0.113.7, 127.0.0.9\r\nx-forwarded-proto: https\r\nconnection: close\r\n";
    exchange(&mut gateway.connect().await, &http1_request(GET, forwarded, &message(b""))).await;
    let received = received.recv().await.unwrap();
    assert_eq!(received.header("x-forwarded-for"), Some("203.0.113.7"));
    assert_eq!(received.header("x-forwarded-proto"), Some("https"));
}
