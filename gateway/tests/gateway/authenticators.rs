//! What an authenticator can do besides saying yes and no: let a call wait for keys, and publish them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bojagi_gateway::{
    AuthenticationFailure, Authenticator, Gateway, GatewayConfig, GatewayService, Identity, JwksAuthenticator,
    JwksConfig,
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tonic::Code;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, WEB, call, read, request, send};
use crate::support::log::Log;
use crate::support::upstream::careless;
use crate::support::{FourTokens, message, policies};

const GUARD: Duration = Duration::from_secs(20);
const MINE: &str = "/shop.v1.Orders/Mine";

/// Has its keys from the second question on.
#[derive(Default)]
struct LateKeys {
    asked: AtomicUsize,
    keys_come: bool,
}

impl Authenticator for LateKeys {
    fn verify(&self, _: &str) -> Result<Identity, AuthenticationFailure> {
        if self.asked.fetch_add(1, Ordering::SeqCst) == 0 || !self.keys_come {
            return Err(AuthenticationFailure::Unavailable);
        }
        Ok(Identity { subject: "jiwoo".into(), roles: Vec::new() })
    }

    fn wait(&self) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(tokio::time::sleep(Duration::from_millis(700))))
    }

    fn keys(&self) -> Option<Bytes> {
        self.keys_come.then(|| Bytes::from_static(b"{\"keys\":[]}"))
    }
}

fn gateway_with(authenticator: Arc<dyn Authenticator>) -> GatewayService {
    let mut config = GatewayConfig::default();
    config.cors.allowed_origins = vec!["https://shop.example".into()];
    let upstream = careless(Answer::unary(b""));
    let builder = Gateway::builder(config).policies(policies()).authenticator(authenticator);
    builder.route("/shop.v1.", upstream).build().unwrap().service()
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_once_for_keys_that_are_coming() {
    for (keys_come, code) in [(true, Code::Ok), (false, Code::Unavailable)] {
        let authenticator = Arc::new(LateKeys { keys_come, ..LateKeys::default() });
        let gateway = gateway_with(authenticator.clone());
        for content_type in [WEB, NATIVE] {
            authenticator.asked.store(0, Ordering::SeqCst);
            let began = Instant::now();
            let asked = request(content_type, MINE).header("authorization", "Bearer x");
            let reply = call(&gateway, asked, message(b"")).await;
            assert_eq!((reply.code(), began.elapsed()), (code, Duration::from_millis(700)));
            assert_eq!(authenticator.asked.load(Ordering::SeqCst), 2);
        }
    }
}

#[tokio::test]
async fn keys_are_published_for_others_also_in_browsers() {
    let asked = || {
        let get = Request::get("/.well-known/jwks.json").header("origin", "https://shop.example");
        get.body(Full::<Bytes>::default()).unwrap()
    };
    let published = gateway_with(Arc::new(LateKeys { keys_come: true, ..LateKeys::default() }));
    let reply = read(send(&published, asked()).await).await;
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, &b"{\"keys\":[]}"[..]));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://shop.example"));

    let private = read(send(&gateway_with(Arc::new(FourTokens)), asked()).await).await;
    assert_eq!(private.status, 405, "one that publishes no keys has no such document");
}

/// Logs what an authenticator finds at this URL, until it has said this.
async fn log_of_keys_at(url: String, said: &str) -> String {
    let log = Log::begin();
    let [issuers, audiences] = [vec!["https://login".to_owned()], vec!["shop".to_owned()]];
    let config = JwksConfig { urls: vec![url], issuers, audiences, ..JwksConfig::default() };
    let _authenticator = JwksAuthenticator::new(&config, "auth.jwks").unwrap();
    let logged = async {
        while !log.text().contains(said) {
            tokio::task::yield_now().await;
        }
    };
    timeout(GUARD, logged).await.expect(said);
    log.text()
}

#[tokio::test]
async fn what_may_be_secret_in_the_url_of_keys_is_not_logged() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/keys.json?token=hunter2");
    let text = log_of_keys_at(url, "keys of tokens cannot be fetched").await;
    assert!(text.contains(&format!("http://{nobody}/keys.json?***")) && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_private_half_among_the_keys_is_told_and_not_logged() {
    let key =
        serde_json::json!({"kty": "OKP", "crv": "Ed25519", "kid": "careless", "x": "A".repeat(43), "d": "hunter2"});
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys.json", listener.local_addr().unwrap());
    let body = serde_json::json!({"keys": [key]}).to_string();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let serving = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.write_all(answer.as_bytes()).await.unwrap();
        connection.read_to_end(&mut Vec::new()).await
    });
    let text = log_of_keys_at(url, "holds the private half of a key").await;
    assert!(text.contains("\"id\":\"careless\"") && !text.contains("hunter2"), "{text}");
    serving.abort();
}
