//! Key sets over real sockets and from real files.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::jwks::source::FileSource;

const GUARD: Duration = Duration::from_secs(20);

/// Answers every connection with these bytes, and keeps it open if it is told so. The answer is the URL.
async fn serving(answer: Vec<u8>, stays_open: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys?of=shop", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            answer_to_get(&mut connection, &answer).await;
            if stays_open {
                std::future::pending::<()>().await;
            }
        }
    });
    url
}

pub(super) async fn answer_to_get(connection: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &[u8]) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("GET /keys?of=shop HTTP/1.1\r\n") && head.contains("\r\nhost: 127.0.0.1:"), "{head}");
    // One that has read enough hangs up.
    let _ = connection.write_all(answer).await;
}

pub(super) fn http(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub(super) async fn fetched(url: &str, config: &JwksConfig) -> Result<Bytes, SourceError> {
    let source = HttpSource::new(url, config).unwrap();
    tokio::time::timeout(GUARD, source.fetch()).await.expect("a fetch ends")
}

#[tokio::test]
async fn a_key_set_is_fetched_and_tokens_are_checked_with_it() {
    let url = serving(http("200 OK", &key_set(&[1])), true).await;
    let config = JwksConfig { urls: vec![url], wait_ms: 20_000, ..config() };
    let authenticator = JwksAuthenticator::new(&config, "auth.jwks").unwrap();
    let mut claims = claims();
    claims["exp"] = json!(jsonwebtoken::get_current_timestamp() + 600);
    assert!(verify(&authenticator, &signed(&header(1), &claims, 1)).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_a_reason_to_wait() {
    let small = JwksConfig { max_bytes: 1000, ..config() };
    let endless = [
        &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"[..],
        &b"200\r\n"[..],
        &[b' '; 512],
        b"\r\n200\r\n",
        &[b' '; 512],
    ]
    .concat();
    for (answer, told) in [
        (http("503 Service Unavailable", b""), "the answer has HTTP status 503"),
        (http("302 Found", b""), "the answer has HTTP status 302"),
        (http("200 OK", &[b' '; 1001]), "the key set is longer than the 1000 bytes that are allowed"),
        (endless, "the key set is longer than the 1000 bytes that are allowed"),
    ] {
        let url = serving(answer, true).await;
        assert_eq!(fetched(&url, &small).await, Err(SourceError(told.to_owned())));
    }
    let cut = http("200 OK", &key_set(&[1]));
    let url = serving(cut[..cut.len() - 10].to_vec(), false).await;
    assert!(fetched(&url, &small).await.is_err(), "a cut answer");
    assert!(fetched("http://127.0.0.1:1/keys", &small).await.is_err(), "nobody there");
}

#[tokio::test]
async fn a_file_is_a_source_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let source = FileSource::new(path.clone(), 1000);
    assert!(source.fetch().await.is_err());
    std::fs::write(&path, key_set(&[1])).unwrap();
    assert_eq!(source.fetch().await.unwrap(), key_set(&[1]));
    std::fs::write(&path, [b' '; 1001]).unwrap();
    assert!(source.fetch().await.is_err(), "too long");
}

#[test]
fn urls_are_checked() {
    for url in ["", "keys", "ftp://keys/jwks.json", "http://"] {
        assert!(HttpSource::new(url, &config()).is_err(), "{url}");
    }
}
