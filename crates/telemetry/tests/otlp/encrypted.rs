//! Collectors that are spoken to with TLS, with certificates made for the test.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bojagi_testkit::{Collector, eventually};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::{ENDED, NO_ROOM, Running, counted, work};

/// An authority of its own for every test.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in files.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
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

    /// Puts TLS in front of a collector, which whoever connects has to show a certificate to.
    async fn in_front_of(&self, collector: &Collector) -> Front {
        let pair = self.issue("localhost");
        let mut roots = RootCertStore::empty();
        roots.add(bojagi_tls::certificates(&self.ca()).unwrap().remove(0)).unwrap();
        let callers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), bojagi_tls::provider());
        let pair = bojagi_tls::PemPair::read(&pair.certificate, &pair.key).unwrap();
        let mut tls = ServerConfig::builder_with_provider(bojagi_tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(callers.build().unwrap())
            .with_single_cert(pair.chain, pair.key)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let tls = TlsAcceptor::from(Arc::new(tls));
        let (listener, address) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), collector.address());
        let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                // One that does not trust the certificate, or has none to show, is not let through.
                let Ok(mut outside) = tls.accept(connection).await else { continue };
                let mut inside = TcpStream::connect(address).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut outside, &mut inside).await });
            }
        });
        Front { endpoint, task }
    }
}

/// TLS in front of a collector, until it is dropped.
struct Front {
    endpoint: String,
    task: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_collector_is_told_over_tls_by_whoever_shows_a_certificate() {
    let (collector, authority) = (Collector::start().await, Authority::new());
    let front = authority.in_front_of(&collector).await;
    let us = authority.issue("shop");
    let running = Running::to(&front.endpoint, |config| {
        config.ca_file = authority.ca();
        (config.certificate_file, config.key_file) = (us.certificate, us.key);
        assert_eq!(config.check(), Vec::<String>::new());
    })
    .await;
    work("packing");
    eventually("the span has come", async || collector.spans().len() == 1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_collector_that_cannot_be_trusted_is_told_nothing_and_nothing_waits() {
    let (collector, authority, stranger) = (Collector::start().await, Authority::new(), Authority::new());
    let front = authority.in_front_of(&collector).await;
    let (us, nobody) = (authority.issue("shop"), Pair { certificate: PathBuf::new(), key: PathBuf::new() });
    let elsewhere = front.endpoint.replace("localhost", "127.0.0.1");
    for (what, endpoint, ca, shown) in [
        ("its authority is unknown", &front.endpoint, stranger.ca(), &us),
        ("its certificate is that of another host", &elsewhere, authority.ca(), &us),
        ("it does not trust us", &front.endpoint, authority.ca(), &nobody),
    ] {
        let running = Running::to(endpoint, |config| {
            (config.queue, config.batch, config.flush_milliseconds) = (10, 5, 200);
            config.ca_file = ca;
            (config.certificate_file, config.key_file) = (shown.certificate.clone(), shown.key.clone());
        })
        .await;
        let metrics = running.metrics.clone();
        let lost = || counted(&metrics, NO_ROOM) + counted(&metrics, ENDED);
        let before = lost();
        (0..100).for_each(|_| work("packing"));
        assert!(running.stop().await < Duration::from_secs(30), "{what}");
        assert_eq!(lost() - before, 100, "{what}");
    }
    assert!(collector.spans().is_empty());
}
