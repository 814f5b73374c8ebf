//! Who is let in, and as whom.

use std::sync::Arc;

use bojagi_testkit::eventually;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::process::{PUBLIC, Process, RESERVE, identity, settings_for, watch_fixed};
use super::{Client, certificates};
use crate::MeshSettings;
use crate::certs::make_certificates;
use crate::identity::Identity;

#[tokio::test]
async fn an_internal_method_is_for_those_whom_its_policy_names() {
    let certificates = certificates();
    let item = Process::of_item("a", &certificates).await;
    for (workload, code) in
        [("order", Code::Ok), ("settlement", Code::PermissionDenied), ("gateway", Code::PermissionDenied)]
    {
        // The way to item is in the identity of each, whether or not it ever calls item.
        let settings = settings_for(&[&item]);
        let who = identity(&certificates, &[workload]);
        let client = Direct::to_item(&who, workload, &settings).await;
        assert_eq!(client.ask(RESERVE).await, code, "{workload}");
    }
    assert_eq!(item.calls(), 1, "the others did not reach the service");
}

#[tokio::test]
async fn the_gateway_carries_calls_of_nobody() {
    let certificates = certificates();
    let item = Process::of_item("a", &certificates).await;
    let gateway = Client::of("gateway", &certificates, &[&item]);
    let answer = gateway.ask(PUBLIC).await;
    assert_eq!((answer.code, answer.seen("caller")), (Code::Ok, "Anonymous"), "{answer:?}");
}

#[tokio::test]
async fn certificates_of_another_authority_open_nothing() {
    let (certificates, others) = (certificates(), self::certificates());
    let item = Process::of_item("a", &certificates).await;
    // It shows a certificate of its own authority, and trusts that of the server, so that only the server refuses.
    std::fs::copy(certificates.path().join("ca.pem"), others.path().join("ca.pem")).unwrap();
    let stranger = Client::with("order", identity(&others, &["order"]), &watch_fixed(&[&item]));
    assert_eq!(stranger.ask(RESERVE).await.code, Code::Unavailable);
    assert_eq!(stranger.ask(PUBLIC).await.code, Code::Unavailable, "not even what anybody may call");
    assert_eq!(item.calls(), 0);
}

#[tokio::test]
async fn without_a_certificate_nobody_is_let_in() {
    let certificates = certificates();
    let item = Process::of_item("a", &certificates).await;
    let config = bare_client(&certificates).with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(item.address).await.unwrap();
    let mut stream = connector(config).connect("item".try_into().unwrap(), stream).await.unwrap();
    // With TLS 1.3 the client has finished before it hears what the server makes of it.
    let refused = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("CertificateRequired"), "{refused}");
}

#[tokio::test]
async fn a_process_of_one_service_answers_those_who_know_only_its_address() {
    let certificates = certificates();
    let alone = Process::of_item("a", &certificates).await;
    let shared = Process::with(identity(&certificates, &["coupon", "item"])).await;
    let file = |name: &str| certificates.path().join(name);
    let client = || {
        let chain = bojagi_tls::certificates(&file("order.pem")).unwrap();
        let key = bojagi_tls::private_key(&file("order.key")).unwrap();
        connector(bare_client(&certificates).with_client_auth_cert(chain, key).unwrap())
    };
    let shakes_hands = async |process: &Process| {
        let stream = tokio::net::TcpStream::connect(process.address).await.unwrap();
        client().connect(process.address.ip().into(), stream).await.is_ok()
    };
    assert!(shakes_hands(&alone).await);
    assert!(!shakes_hands(&shared).await, "which of its certificates to show, it cannot know");
}

#[tokio::test]
async fn a_server_that_is_somebody_else_is_not_spoken_to() {
    let certificates = certificates();
    // It has the certificate of coupon and answers to the name of item.
    let copied = TempDir::new().unwrap();
    for (from, to) in [("ca.pem", "ca.pem"), ("coupon.pem", "coupon.pem"), ("coupon.key", "coupon.key")] {
        std::fs::copy(certificates.path().join(from), copied.path().join(to)).unwrap();
    }
    let coupon = Process::with(identity(&copied, &["coupon"])).await;
    let order = Client::with("order", identity(&certificates, &["order"]), &watch_fixed(&[&coupon]));
    assert_eq!(order.ask(RESERVE).await.code, Code::Unavailable);
    assert_eq!(coupon.calls(), 0);
}

#[tokio::test]
async fn new_certificates_are_taken_up_while_it_runs() {
    let certificates = certificates();
    let who = identity(&certificates, &["item"]);
    let stop = CancellationToken::new();
    let following = tokio::spawn(Arc::clone(&who).follow_files(stop.clone()));
    let item = Process::with(who).await;
    let before = Client::of("order", &certificates, &[&item]);
    assert_eq!(before.ask(RESERVE).await.code, Code::Ok);

    let renewed = self::certificates();
    for file in ["ca.pem", "item.pem", "item.key"] {
        std::fs::copy(renewed.path().join(file), certificates.path().join(file)).unwrap();
    }
    eventually("whoever has a new certificate is let in", async || {
        let after = Client::with("order", identity(&renewed, &["order"]), &watch_fixed(&[&item]));
        after.ask(RESERVE).await.code == Code::Ok
    })
    .await;
    assert_eq!(before.ask(RESERVE).await.code, Code::Ok, "who is in stays in");
    stop.cancel();
    following.await.unwrap();
}

#[test]
fn what_is_wrong_with_the_files_is_told_at_once() {
    let folder = TempDir::new().unwrap();
    make_certificates(folder.path(), "bojagi", &[]).unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let mistakes = |certificate: &str, key: &str, ca: &str, workloads: &[&'static str]| {
        let mut settings = MeshSettings::defaults().unwrap().serve.identity;
        (settings.certificate, settings.key, settings.ca) = (file(certificate), file(key), file(ca));
        Identity::read(settings, workloads.to_vec()).err().map(|mistakes| mistakes.0).unwrap_or_default()
    };
    assert_eq!(mistakes("{workload}.pem", "{workload}.key", "ca.pem", &["order", "item"]), Vec::<String>::new());
    for (certificate, key, ca, expected) in [
        ("{workload}.pem", "{workload}.key", "nothing.pem", 2),
        ("item.pem", "item.key", "ca.pem", 1),
        ("{workload}.pem", "item.key", "ca.pem", 1),
        ("nothing.pem", "{workload}.key", "order.key", 2),
    ] {
        let told = mistakes(certificate, key, ca, &["order"]);
        assert_eq!(told.len(), expected, "{told:?}");
        assert!(told.iter().all(|mistake| mistake.starts_with("serve.identity.")), "{told:?}");
    }
    assert!(
        mistakes("item.pem", "item.key", "ca.pem", &["order"])[0]
            .contains("is not the certificate of spiffe://bojagi/order")
    );
}

/// A client that is not of the mesh and trusts its authority.
fn bare_client(certificates: &TempDir) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = rustls::RootCertStore::empty();
    for authority in bojagi_tls::certificates(&certificates.path().join("ca.pem")).unwrap() {
        roots.add(authority).unwrap();
    }
    rustls::ClientConfig::builder_with_provider(bojagi_tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

fn connector(mut config: rustls::ClientConfig) -> tokio_rustls::TlsConnector {
    config.alpn_protocols = vec![b"h2".to_vec()];
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

/// A workload that calls item although the contracts give it no reason to.
struct Direct(bojagi_gateway::ClusterClient);

impl Direct {
    async fn to_item(who: &Arc<Identity>, workload: &'static str, settings: &crate::ServiceSettings) -> Self {
        use bojagi_gateway::{Cluster, ClusterPorts, GatewayConfig, Policies, SystemResolver};
        let ports = ClusterPorts { resolver: Arc::new(SystemResolver), connector: who.connector(workload, "item") };
        let cluster = Cluster::new(settings.of("item"), settings.upstreams.clone(), ports).unwrap();
        let policies = Policies::from_descriptor_set(bojagi_api::FILE_DESCRIPTOR_SET).unwrap();
        Self(cluster.client(workload, policies, GatewayConfig::default().route("/")))
    }

    async fn ask(&self, path: &'static str) -> Code {
        use tower::ServiceExt;
        let mut request = http::Request::post(path).body(tonic::body::Body::empty()).unwrap();
        request.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
        let answer = self.0.clone().oneshot(request).await.unwrap();
        Code::from_bytes(answer.headers()["grpc-status"].as_bytes())
    }
}
