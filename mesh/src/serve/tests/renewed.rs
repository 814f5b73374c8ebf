//! The gateway's certificate is renewed while it serves.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bojagi_kernel::SystemClock;
use bojagi_testkit::eventually;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::certificates;
use super::shop::{loopback, settings};
use crate::database::CONTEXTS;
use crate::{ShopGateway, ShopGatewayOptions};

/// Whether who answers there has a certificate of the authority of this set.
async fn is_of(address: SocketAddr, set: &TempDir) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(set.path().join("ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(bojagi_tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("gateway").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.is_ok()
}

fn copy(set: &TempDir, to: &Path) {
    for file in ["gateway.pem", "gateway.key"] {
        std::fs::copy(set.path().join(file), to.join(file)).unwrap();
    }
}

#[tokio::test]
async fn a_gateway_of_the_shop_takes_up_a_new_certificate() {
    let (before, after, shown) = (certificates(), certificates(), TempDir::new().unwrap());
    copy(&before, shown.path());
    let mut settings = settings(&before);
    settings.gateway.tls.certificate = shown.path().join("gateway.pem");
    settings.gateway.tls.key = shown.path().join("gateway.key");
    settings.gateway.reload.watch_ms = 5;
    for (context, _) in CONTEXTS {
        // Nobody is there, and nobody is asked for.
        settings.services.place(context, vec!["https://127.0.0.1:1".to_owned()]);
    }
    let options = ShopGatewayOptions { listen: loopback(), clock: Arc::new(SystemClock), settings };
    let gateway = ShopGateway::start(options).await.unwrap();
    let address = gateway.address();
    let serving = tokio::spawn(gateway.serve(std::future::pending()));

    assert!(is_of(address, &before).await && !is_of(address, &after).await);
    copy(&after, shown.path());
    eventually("the new certificate is shown", async || is_of(address, &after).await).await;
    serving.abort();
}
