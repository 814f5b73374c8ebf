//! TLS on the listener and to upstreams, with certificates made for the test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tonic::Code;

use super::{Alone, GUARD, ending, mistakes_of};
use crate::support::answer::Answer;
use crate::support::log::Log;
use crate::support::message;
use crate::support::server::Server;
use crate::support::upstream::{answering, careless, silent};

const PROVIDER: fn() -> rustls::crypto::CryptoProvider = rustls::crypto::ring::default_provider;

/// An authority of its own for every test.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// A certificate and its key, in files.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key), certificate }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn issue(&self, name: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let file = |ending: &str| self.folder.path().join(format!("{name}.{ending}"));
        let pair = Pair { certificate: file("pem"), key: file("key") };
        std::fs::write(&pair.certificate, certificate.pem()).unwrap();
        std::fs::write(&pair.key, key.serialize_pem()).unwrap();
        pair
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }

    /// A client that trusts the authority and speaks these protocols.
    async fn connect(&self, gateway: &Alone, name: &str, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(PROVIDER()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(gateway.address).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
    }

    /// A server with this certificate, which may ask its clients for one too.
    fn acceptor(&self, pair: &Pair, asks_for_certificates: bool) -> TlsAcceptor {
        use rustls::pki_types::pem::PemObject;
        use rustls::pki_types::{CertificateDer, PrivateKeyDer};
        let chain = vec![CertificateDer::from_pem_file(&pair.certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
        let provider = Arc::new(PROVIDER());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = if asks_for_certificates {
            let roots = Arc::new(self.roots());
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

fn listener(pair: &Pair, upstream: &str) -> String {
    format!(
        "routes = [\"/={upstream}\"]\nauth.mode = \"off\"\nreload.watch_ms = 5\n[tls]\ncertificate = {}\nkey = {}",
        quoted(&pair.certificate),
        quoted(&pair.key)
    )
}

#[tokio::test]
async fn one_port_speaks_http2_and_http1_over_tls() {
    let authority = Authority::new();
    let (upstream, mut received) = answering(Answer::unary(b"answer"));
    let upstream = Server::of(upstream).await;
    let gateway = Alone::with(&listener(&authority.issue("shop.example"), &upstream.url())).await;

    let stream = authority.connect(&gateway, "shop.example", &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::post("https://shop.example/any.Things/Get")
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let (answer, mut body) = client.ready().await.unwrap().send_request(request, false).unwrap();
    body.send_data(message(b"hello"), true).unwrap();
    assert_eq!(answer.await.unwrap().into_body().data().await.unwrap().unwrap(), message(b"answer"));
    assert_eq!(received.recv().await.unwrap().header("x-forwarded-proto"), Some("https"));
    connection.abort();

    let mut stream = authority.connect(&gateway, "shop.example", &[b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let request = "POST /any.Things/Get HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\
                   content-type: application/grpc-web\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(GUARD, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_client_that_hangs_up_is_noticed_below_tls_too() {
    let authority = Authority::new();
    let (upstream, mut call) = silent();
    let upstream = Server::of(upstream).await;
    let config = listener(&authority.issue("shop.example"), &upstream.url());
    let gateway = Alone::with(&format!("connections.idle_ms = 10\n{config}")).await;
    let mut stream = authority.connect(&gateway, "shop.example", &[b"http/1.1"]).await.unwrap();
    let request = "POST /any.Things/Get HTTP/1.1\r\nhost: shop.example\r\n\
                   content-type: application/grpc-web\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0and more";
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::timeout(GUARD, call.recv()).await.unwrap().expect("the call has begun");
    drop(stream);
    assert!(tokio::time::timeout(GUARD, call.recv()).await.expect("the call is given up").is_none());
}

#[tokio::test]
async fn who_speaks_no_tls_gets_nothing() {
    let authority = Authority::new();
    let gateway = Alone::with(&listener(&authority.issue("shop.example"), "http://127.0.0.1:1")).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // A reset ends the connection as well as a proper end does.
    let _ended = tokio::time::timeout(GUARD, stream.read_to_end(&mut answer)).await.expect("it is closed");
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_half_of_one_is_not() {
    let log = Log::begin();
    let authority = Authority::new();
    let pair = authority.issue("old.example");
    let gateway = Alone::with(&listener(&pair, "http://127.0.0.1:1")).await;
    let before = authority.connect(&gateway, "old.example", &[b"h2"]).await.unwrap();

    let renewed = authority.issue("new.example");
    std::fs::copy(&renewed.certificate, &pair.certificate).unwrap();
    let refused = async {
        while !log.text().contains("the new configuration has mistakes") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, refused).await.expect("a certificate without its key is refused");
    assert!(authority.connect(&gateway, "old.example", &[b"h2"]).await.is_ok());

    std::fs::copy(&renewed.key, &pair.key).unwrap();
    let taken_up = async {
        while authority.connect(&gateway, "new.example", &[b"h2"]).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, taken_up).await.expect("the new certificate is shown");
    let (client, connection) = h2::client::handshake(before).await.unwrap();
    let connection = tokio::spawn(connection);
    assert!(client.ready().await.is_ok(), "the old connection is still there");
    connection.abort();
}

#[tokio::test]
async fn a_key_of_another_certificate_is_a_mistake() {
    let authority = Authority::new();
    let (one, other) = (authority.issue("one.example"), authority.issue("other.example"));
    let mixed = Pair { certificate: one.certificate, key: other.key };
    let told = mistakes_of(&listener(&mixed, "http://127.0.0.1:1")).await;
    assert!(told[0].starts_with("tls: ") && told[0].contains("one.example.pem"), "{told:?}");
    let empty = authority.folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let told = mistakes_of(&listener(&Pair { certificate: empty, key: mixed.key }, "http://127.0.0.1:1")).await;
    assert!(told[0].ends_with("there is no certificate in it"), "{told:?}");
}

fn to_upstream(upstream: &Server, tls: &str) -> String {
    let url = format!("https://{}", upstream.address);
    format!("routes = [\"/={url}\"]\nauth.mode = \"off\"\n[upstream_tls]\n{tls}")
}

#[tokio::test]
async fn an_upstream_is_spoken_to_over_tls() {
    let authority = Authority::new();
    let pair = authority.issue("orders.internal");
    let upstream = Server::with_tls(careless(Answer::unary(b"answer")), authority.acceptor(&pair, false)).await;

    let trusting = format!("ca = {}\nserver_name = \"orders.internal\"", quoted(&authority.ca()));
    let gateway = Alone::with(&to_upstream(&upstream, &trusting)).await;
    assert_eq!(ending(gateway.call("/any.Things/Get").await).await, (0, message(b"answer")));

    let other_name = format!("ca = {}\nserver_name = \"other.internal\"", quoted(&authority.ca()));
    let gateway = Alone::with(&to_upstream(&upstream, &other_name)).await;
    assert_eq!(ending(gateway.call("/any.Things/Get").await).await.0, Code::Unavailable as i32);

    let other_authority = Authority::new();
    let stranger = format!("ca = {}\nserver_name = \"orders.internal\"", quoted(&other_authority.ca()));
    let gateway = Alone::with(&to_upstream(&upstream, &stranger)).await;
    assert_eq!(ending(gateway.call("/any.Things/Get").await).await.0, Code::Unavailable as i32);
}

#[tokio::test]
async fn an_upstream_that_asks_for_a_certificate_is_shown_one() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&authority.issue("orders.internal"), true);
    let upstream = Server::with_tls(careless(Answer::unary(b"answer")), acceptor).await;
    let client = authority.issue("gateway.internal");

    let without = format!("ca = {}\nserver_name = \"orders.internal\"", quoted(&authority.ca()));
    let gateway = Alone::with(&to_upstream(&upstream, &without)).await;
    assert_eq!(ending(gateway.call("/any.Things/Get").await).await.0, Code::Unavailable as i32);

    let with = format!("{without}\ncertificate = {}\nkey = {}", quoted(&client.certificate), quoted(&client.key));
    let gateway = Alone::with(&to_upstream(&upstream, &with)).await;
    assert_eq!(ending(gateway.call("/any.Things/Get").await).await, (0, message(b"answer")));
}
