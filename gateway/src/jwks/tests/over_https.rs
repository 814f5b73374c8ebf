//! Key sets from sources that prove who they are.

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::over_http::{answer_to_get, fetched, http};
use super::*;

/// Who signs the certificate of a source of keys.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// The certificate of the authority in a file.
    fn file(&self, folder: &TempDir) -> PathBuf {
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, self.certificate.pem()).unwrap();
        path
    }

    /// A source of keys at 127.0.0.1 whose certificate is for `name`. The answer is the URL.
    async fn serving(&self, name: &str, answer: Vec<u8>) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/keys?of=shop", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                // One that does not trust the certificate hangs up.
                let Ok(mut connection) = tls.accept(connection).await else { continue };
                answer_to_get(&mut connection, &answer).await;
                let _ = connection.shutdown().await;
            }
        });
        url
    }
}

/// A source whose URL says `https`, although it speaks in the clear.
async fn without_tls() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/keys?of=shop", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let _ = connection.write_all(&http("400 Bad Request", b"")).await;
    });
    url
}

#[tokio::test]
async fn over_https_the_source_has_to_prove_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let trusting = JwksConfig { ca: authority.file(&folder), wait_ms: 20_000, ..config() };
    let keys = || http("200 OK", &key_set(&[1]));

    let config = JwksConfig { urls: vec![authority.serving("127.0.0.1", keys()).await], ..trusting.clone() };
    let authenticator = JwksAuthenticator::new(&config, "auth.jwks").unwrap();
    let mut claims = claims();
    claims["exp"] = json!(jsonwebtoken::get_current_timestamp() + 600);
    assert!(verify(&authenticator, &signed(&header(1), &claims, 1)).await.is_ok());

    for (what, url) in [
        ("an authority that nobody knows", Authority::new().serving("127.0.0.1", keys()).await),
        ("the certificate of another host", authority.serving("127.0.0.2", keys()).await),
        ("no TLS at all", without_tls().await),
    ] {
        assert!(fetched(&url, &trusting).await.is_err(), "{what}");
    }
}

#[test]
fn authorities_are_read_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.pem");
    let of = |ca: &PathBuf| JwksConfig { urls: vec!["https://127.0.0.1:1/".into()], ca: ca.clone(), ..config() };
    let told = JwksAuthenticator::new(&of(&path), "auth.jwks").unwrap_err();
    assert!(told.to_string().contains("none.pem"), "{told}");
    std::fs::write(&path, "no certificate").unwrap();
    let told = JwksAuthenticator::new(&of(&path), "auth.jwks").unwrap_err();
    assert!(told.to_string().contains("there is no certificate in it"), "{told}");
}
