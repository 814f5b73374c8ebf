use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{GUARD, Listening, http1_request, read_to_end};
use crate::support::answer::Answer;
use crate::support::message;
use crate::support::upstream::{careless, echo, silent};

type Http = Client<hyper_util::client::legacy::connect::HttpConnector, Full<bytes::Bytes>>;

fn h2c_client() -> Http {
    Client::builder(TokioExecutor::new()).http2_only(true).build_http()
}

fn watch(gateway: &Listening, content_type: &str) -> Request<Full<bytes::Bytes>> {
    Request::post(format!("http://{}/shop.v1.Orders/Watch", gateway.address))
        .header("content-type", content_type)
        .body(Full::new(message(b"")))
        .unwrap()
}

/// An upstream whose answer ends when the test says so.
fn until_told() -> (bojagi_gateway::Upstream, mpsc::UnboundedSender<()>) {
    let (tell, told) = mpsc::unbounded_channel();
    let told = std::sync::Arc::new(tokio::sync::Mutex::new(told));
    let service = tower::service_fn(move |_: Request<tonic::body::Body>| {
        let told = std::sync::Arc::clone(&told);
        async move {
            let (head, first) = Answer::grpc().data(message(b"first")).to_response().into_parts();
            let (_, last) =
                Answer::grpc().data(message(b"last")).trailers(&[("grpc-status", "0")]).to_response().into_parts();
            let waiting = futures::stream::once(async move {
                told.lock().await.recv().await;
            });
            let frames = futures::StreamExt::chain(
                first.into_data_stream(),
                futures::StreamExt::flat_map(waiting, |()| futures::stream::empty()),
            );
            let frames = futures::StreamExt::map(frames, |data| data.map(http_body::Frame::data));
            let frames = futures::StreamExt::chain(frames, http_body_util::BodyStream::new(last));
            let body = tonic::body::Body::new(http_body_util::StreamBody::new(frames));
            Ok::<_, std::convert::Infallible>(http::Response::from_parts(head, body))
        }
    });
    (bojagi_gateway::upstream(service), tell)
}

#[tokio::test]
async fn a_stream_that_finishes_within_the_grace_is_not_touched() {
    let (upstream, tell) = until_told();
    let gateway = Listening::before(upstream).await;
    let mut response = h2c_client().request(watch(&gateway, "application/grpc")).await.unwrap();
    assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), message(b"first"));

    gateway.stop.send(()).unwrap();
    while TcpStream::connect(gateway.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!gateway.readiness.is_serving());
    tell.send(()).unwrap();
    assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), message(b"last"));
    let trailers = response.body_mut().frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers.get("grpc-status").unwrap(), "0");
    timeout(GUARD, gateway.served).await.expect("the gateway ends with its last call").unwrap();
}

#[tokio::test]
async fn a_stream_that_outlasts_the_grace_ends_with_unavailable() {
    for content_type in ["application/grpc", "application/grpc-web"] {
        let upstream = careless(Answer::grpc().data(message(b"first")).never());
        let gateway = Listening::configured(upstream, |config| config.drain.grace_ms = 50).await;
        let mut response = h2c_client().request(watch(&gateway, content_type)).await.unwrap();
        assert!(response.body_mut().frame().await.is_some());

        gateway.stop.send(()).unwrap();
        let end = timeout(GUARD, response.body_mut().frame()).await.unwrap().unwrap().unwrap();
        match end.into_data() {
            Ok(frame) => assert!(frame.starts_with(b"\x80") && frame.windows(14).any(|part| part == b"grpc-status:14")),
            Err(end) => assert_eq!(end.into_trailers().unwrap().get("grpc-status").unwrap(), "14"),
        }
        timeout(GUARD, gateway.served).await.expect("the gateway ends after the grace").unwrap();
    }
}

#[tokio::test]
async fn a_call_without_an_answer_ends_with_unavailable_too() {
    let (upstream, mut at_upstream) = silent();
    let gateway = Listening::configured(upstream, |config| config.drain.grace_ms = 50).await;
    let mut stream = gateway.connect().await;
    stream.write_all(&http1_request("/shop.v1.Orders/Get", "", &message(b""))).await.unwrap();
    assert!(at_upstream.recv().await.is_some());
    gateway.stop.send(()).unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("grpc-status: 14"), "{answer}");
    timeout(GUARD, gateway.served).await.expect("the gateway ends after the grace").unwrap();
}

#[tokio::test]
async fn who_watches_health_is_told_and_sent_away() {
    let gateway = Listening::before(echo()).await;
    let channel = Endpoint::from_shared(format!("http://{}", gateway.address)).unwrap().connect().await.unwrap();
    let mut states = HealthClient::new(channel).watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(states.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    gateway.stop.send(()).unwrap();
    assert_eq!(states.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(states.message().await.unwrap_err().code(), Code::Unavailable);
    timeout(GUARD, gateway.served).await.expect("a watcher does not hold the gateway up").unwrap();
}

#[tokio::test]
async fn idle_connections_close_at_once() {
    let gateway = Listening::before(echo()).await;
    let mut used = gateway.connect().await;
    used.write_all(&http1_request("/shop.v1.Orders/Mine", "", &message(b""))).await.unwrap();
    let mut never_used = gateway.connect().await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        timeout(GUARD, tokio::io::AsyncReadExt::read_buf(&mut used, &mut answer)).await.unwrap().unwrap();
    }
    gateway.stop.send(()).unwrap();
    assert_eq!(read_to_end(&mut used).await, "");
    assert_eq!(read_to_end(&mut never_used).await, "");
    timeout(GUARD, gateway.served).await.expect("nothing holds the gateway up").unwrap();
}

#[tokio::test]
async fn h2c_clients_are_told_to_go() {
    let gateway = Listening::before(echo()).await;
    let (client, connection) = h2::client::handshake(gateway.connect().await).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = Request::post(format!("http://{}/shop.v1.Orders/Mine", gateway.address))
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    answer.await.unwrap();

    gateway.stop.send(()).unwrap();
    timeout(GUARD, connection).await.expect("the connection ends").unwrap().unwrap();
    assert!(client.ready().await.is_err(), "GOAWAY: no new stream");
    timeout(GUARD, gateway.served).await.unwrap().unwrap();
}
