use std::sync::{Arc, Mutex};

use bojagi_api::user::{GetMeRequest, SignOutRequest};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tonic::Code;

use super::*;

/// A peer that answers every request alike and keeps the headers of what it was sent.
async fn peer(
    answer: impl Fn() -> Response<Full<Bytes>> + Clone + Send + 'static,
) -> (String, Arc<Mutex<Vec<(String, HeaderMap)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (keep, answer) = (Arc::clone(&keep), answer.clone());
            tokio::spawn(async move {
                let service =
                    hyper_util::service::TowerToHyperService::new(tower::service_fn(move |request: Request<_>| {
                        let sight = (request.uri().path().to_owned(), request.headers().clone());
                        keep.lock().unwrap().push(sight);
                        std::future::ready(Ok::<_, std::convert::Infallible>(answer()))
                    }));
                let connection = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                drop(connection.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (address, seen)
}

fn refusal() -> Response<Full<Bytes>> {
    let trailers = b"grpc-status: 5\r\ngrpc-message: there is no such thing\r\n";
    let mut frame = vec![0x80, 0, 0, 0, trailers.len() as u8];
    frame.extend_from_slice(trailers);
    Response::builder().header("content-type", "application/grpc-web+proto").body(Full::from(frame)).unwrap()
}

#[tokio::test]
async fn a_call_is_grpc_web_with_token_time_out_and_trace() {
    let (address, seen) = peer(refusal).await;
    let gateway = GatewayClient::new(&address).unwrap().with_timeout(Duration::from_secs(5));
    let trace = TraceContext::root().with_tracestate("vendor=abc");
    let account = gateway.signed_in("abc").unwrap();

    let status = trace.clone().scope(async { account.accounts().get_me(GetMeRequest {}).await }).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "there is no such thing"));

    let mut request = tonic::Request::new(SignOutRequest {});
    request.set_timeout(Duration::from_secs(1));
    gateway.sessions().sign_out(request).await.unwrap_err();

    let seen = seen.lock().unwrap();
    let (path, headers) = &seen[0];
    assert_eq!(path, "/bojagi.user.v1.AccountService/GetMe");
    assert_eq!(headers["content-type"], "application/grpc-web");
    assert_eq!(headers["authorization"], "Bearer abc");
    assert_eq!(headers["grpc-timeout"], "5000m");
    assert!(headers["traceparent"].to_str().unwrap().contains(&trace.trace_id()));
    assert_eq!(headers["tracestate"], "vendor=abc");
    assert!(!seen[1].1.contains_key("authorization"));
    assert_eq!(seen[1].1["grpc-timeout"], "1000000u");
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let gateway = GatewayClient::new(&address).unwrap();
    let status = gateway.accounts().get_me(GetMeRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("refused"), "{}", status.message());
}

#[tokio::test]
async fn a_gateway_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = GatewayClient::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let gateway = gateway.with_timeout(Duration::from_millis(1));
    let status = gateway.accounts().get_me(GetMeRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[test]
fn an_address_is_http_host_and_port() {
    for good in ["http://127.0.0.1:8080", "http://shop.example/", "http://[::1]:80"] {
        assert!(GatewayClient::new(good).is_ok(), "{good}");
    }
    for bad in ["", "127.0.0.1:8080", "http://shop.example/path", "http://shop.example?x", "ftp://x"] {
        assert!(matches!(GatewayClient::new(bad), Err(ClientError::Address { .. })), "{bad}");
    }
    let encrypted = GatewayClient::new("https://shop.example");
    assert!(matches!(encrypted, Err(ClientError::Encrypted(_))), "{encrypted:?}");
    let gateway = GatewayClient::new("http://127.0.0.1:8080").unwrap();
    assert!(matches!(gateway.signed_in("a\nb"), Err(ClientError::Token)));
    assert!(!format!("{:?}", gateway.signed_in("secret").unwrap()).contains("secret"));
}
