use bojagi_gateway::DEFAULT_CONFIG;
use bytes::Bytes;
use futures::StreamExt;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tonic::Code;

use super::{Alone, GUARD, call, ending, h2_client};
use crate::support::answer::Answer;
use crate::support::client::{read, send};
use crate::support::log::Log;
use crate::support::message;
use crate::support::server::Server;
use crate::support::upstream::careless;

fn to(upstream: &Server, more: &str) -> String {
    format!("routes = [\"/={}\"]\nauth.mode = \"off\"\n{more}", upstream.url())
}

/// Calls until the answer is the one that is waited for.
async fn until_answered(gateway: &Alone, expected: (i32, Bytes)) {
    let client = h2_client();
    let url = format!("http://{}/any.Things/Get", gateway.address);
    let answered = async {
        while ending(call(&client, &url).await).await != expected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, answered).await.expect("the new configuration comes into force");
}

async fn one_and_other() -> (Server, Server) {
    (Server::of(careless(Answer::unary(b"one"))).await, Server::of(careless(Answer::unary(b"other"))).await)
}

#[tokio::test]
async fn when_asked_it_reads_its_configuration_again() {
    let (one, other) = one_and_other().await;
    let gateway = Alone::with(&to(&one, "reload.watch_ms = 0")).await;
    until_answered(&gateway, (0, message(b"one"))).await;
    gateway.write(&to(&other, "reload.watch_ms = 0"));
    gateway.reload.notify_one();
    until_answered(&gateway, (0, message(b"other"))).await;
}

#[tokio::test]
async fn a_changed_file_is_read_by_itself() {
    let (one, other) = one_and_other().await;
    let gateway = Alone::with(&to(&one, "reload.watch_ms = 5")).await;
    until_answered(&gateway, (0, message(b"one"))).await;
    gateway.write(&to(&other, "reload.watch_ms = 5"));
    until_answered(&gateway, (0, message(b"other"))).await;
}

#[tokio::test]
async fn a_running_stream_ends_as_it_began() {
    let (release, gate) = tokio::sync::watch::channel(false);
    let upstream = bojagi_gateway::upstream(tower::service_fn(move |_| {
        let mut gate = gate.clone();
        async move {
            let (head, _) = Answer::grpc().to_response().into_parts();
            let frames = frames_around(async move { drop(gate.wait_for(|open| *open).await) });
            Ok::<_, std::convert::Infallible>(http::Response::from_parts(head, frames))
        }
    }));
    let streaming = Server::of(upstream).await;
    let other = Server::of(careless(Answer::unary(b"other"))).await;
    let gateway = Alone::with(&to(&streaming, "")).await;

    let mut stream = gateway.call("/any.Things/Watch").await.into_body();
    let first = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, message(b"first"));

    gateway.write(&to(&other, "[messages]\nmax_response_bytes = 5"));
    gateway.reload.notify_one();
    until_answered(&gateway, (0, message(b"other"))).await;

    release.send(true).unwrap();
    let rest = tokio::time::timeout(GUARD, stream.collect()).await.expect("the stream ends").unwrap();
    assert_eq!(rest.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(rest.to_bytes(), message(b"longer than the new configuration allows"));
}

/// A message now, another one when `gate` is over, and an orderly end.
fn frames_around(gate: impl Future<Output = ()> + Send + 'static) -> tonic::body::Body {
    let first = futures::stream::iter([Frame::data(message(b"first"))]);
    let rest = futures::stream::once(gate).flat_map(|()| {
        let status = (http::HeaderName::from_static("grpc-status"), http::HeaderValue::from_static("0"));
        let longer = Frame::data(message(b"longer than the new configuration allows"));
        futures::stream::iter([longer, Frame::trailers([status].into_iter().collect())])
    });
    tonic::body::Body::new(StreamBody::new(first.chain(rest).map(Ok::<_, tonic::Status>)))
}

#[tokio::test]
async fn a_connection_outlives_a_reload() {
    let (one, other) = one_and_other().await;
    let gateway = Alone::with(&to(&one, "")).await;
    let stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let ask = async || {
        let request = http::Request::post("http://gateway/any.Things/Get")
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        let (answer, mut body) = client.clone().ready().await.unwrap().send_request(request, false).unwrap();
        body.send_data(message(b"hello"), true).unwrap();
        answer.await.unwrap().into_body().data().await.unwrap().unwrap()
    };
    assert_eq!(ask().await, message(b"one"));
    gateway.write(&to(&other, ""));
    gateway.reload.notify_one();
    until_answered(&gateway, (0, message(b"other"))).await;
    assert_eq!(ask().await, message(b"other"), "the next call on the old connection goes to the new upstream");
    connection.abort();
}

#[tokio::test]
async fn keys_hold_on_while_their_source_is_away() {
    let one = Server::of(careless(Answer::unary(b"one"))).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let x = "A".repeat(43);
    let keys = format!(r#"{{"keys":[{{"crv":"Ed25519","kid":"one","kty":"OKP","x":"{x}"}}]}}"#);
    std::fs::write(&file, &keys).unwrap();
    let config = |leeway_seconds: i64, default_access: &str| {
        let defaults: toml::Table = DEFAULT_CONFIG.parse().unwrap();
        let mut jwks = defaults["auth"]["jwks"].as_table().unwrap().clone();
        jwks.insert("file".into(), file.display().to_string().into());
        jwks.insert("issuers".into(), vec!["https://login"].into());
        jwks.insert("audiences".into(), vec!["shop"].into());
        jwks.insert("leeway_seconds".into(), leeway_seconds.into());
        let url = one.url();
        format!("routes = [\"/={url}\"]\npolicies.default_access = \"{default_access}\"\n[auth.jwks]\n{jwks}")
    };
    let gateway = Alone::with(&config(5, "internal")).await;
    let served = async || {
        let get = http::Request::get("/.well-known/jwks.json").body(Full::<Bytes>::default()).unwrap();
        read(send(&gateway.running.gateway().service(), get).await).await.body
    };
    let fetched = async {
        while served().await != keys {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, fetched).await.expect("the keys are fetched");

    std::fs::remove_file(&file).unwrap();
    gateway.write(&config(6, "public"));
    gateway.reload.notify_one();
    until_answered(&gateway, (0, message(b"one"))).await;
    assert_eq!(served().await, keys);
}

#[tokio::test]
async fn mistakes_change_nothing_and_are_all_logged() {
    let log = Log::begin();
    let (one, other) = one_and_other().await;
    let gateway = Alone::with(&to(&one, "")).await;
    gateway.write(&to(&other, "connections.max = 0\nmessages.max_request_bytes = 0"));
    gateway.reload.notify_one();
    let logged = async {
        while !log.text().contains("the new configuration has mistakes") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, logged).await.expect("the mistakes are logged");
    for mistake in ["connections.max: must be greater than 0", "messages.max_request_bytes: must be greater than 0"] {
        assert!(log.text().contains(mistake), "{mistake}");
    }
    assert_eq!(ending(gateway.call("/any.Things/Get").await).await, (0, message(b"one")));

    gateway.write(&to(&other, ""));
    gateway.reload.notify_one();
    until_answered(&gateway, (0, message(b"other"))).await;
}

#[tokio::test]
async fn the_address_stays() {
    let log = Log::begin();
    let (one, _) = one_and_other().await;
    let gateway = Alone::with(&to(&one, "")).await;
    let file = gateway.folder.path().join("gateway.toml");
    std::fs::write(file, format!("listen = \"127.0.0.1:1\"\n{}", to(&one, ""))).unwrap();
    gateway.reload.notify_one();
    let logged = async {
        while !log.text().contains("listen: cannot change from \\\"127.0.0.1:0\\\" while the gateway runs") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, logged).await.expect("it is told");
    assert_eq!(ending(gateway.call("/any.Things/Get").await).await.0, Code::Ok as i32);
}

#[tokio::test]
async fn a_server_that_is_still_named_keeps_its_connection() {
    let one = Server::of(careless(Answer::unary(b"one"))).await;
    let gateway = Alone::with(&to(&one, "")).await;
    until_answered(&gateway, (0, message(b"one"))).await;
    let accepted = one.accepted();
    gateway.write(&to(&one, "policies.rules = [{ prefix = \"/closed.\", access = \"internal\" }]"));
    gateway.reload.notify_one();
    let closed = async {
        while ending(gateway.call("/closed.Things/Get").await).await.0 != Code::Unimplemented as i32 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, closed).await.expect("the rule comes into force");
    until_answered(&gateway, (0, message(b"one"))).await;
    assert_eq!(one.accepted(), accepted);
}
