//! All six services, a process each, and the gateway in front. Facts do not cross between them here: that takes brokers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bojagi_api::order::{GetOrderTotalsRequest, ListOrdersRequest};
use bojagi_api::user::AccountKind;
use bojagi_gateway::{Operated, RunningGateway};
use bojagi_kernel::SystemClock;
use bojagi_testkit::{eventually, reason};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::Code;

use super::certificates;
use super::process::settings_for;
use crate::client::GatewayClient;
use crate::people::{Person, join};
use crate::serve::{ServeOptions, Served};
use crate::{CONTEXTS, MeshSettings, ServiceSettings, ShopGateway, ShopGatewayOptions, StartError};

pub(super) fn settings(certificates: &TempDir) -> MeshSettings {
    let mut settings = MeshSettings::defaults().unwrap();
    let file = |name: &str| certificates.path().join(name).display().to_string();
    settings.serve.identity.certificate = file("{workload}.pem");
    settings.serve.identity.key = file("{workload}.key");
    settings.serve.identity.ca = file("ca.pem");
    settings
}

pub(super) fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_joins_a_shop_of_seven_processes() {
    let (certificates, data) = (certificates(), TempDir::new().unwrap());
    let mut services = settings(&certificates).services;
    let mut served = Vec::new();
    // Whoever is called starts before those who call it.
    for name in ["user", "item", "coupon", "payment", "order", "settlement"] {
        let mut settings = settings(&certificates);
        settings.services = services.clone();
        let options = ServeOptions {
            services: vec![name.to_owned()],
            data: data.path().join(name),
            listen: loopback(),
            clock: Arc::new(SystemClock),
            settings,
        };
        let started = Served::start_without(Vec::new(), options).await.unwrap();
        services.place(name, vec![format!("https://{}", started.address())]);
        served.push(started);
    }
    let mut settings = settings(&certificates);
    settings.services = services;
    let options = ShopGatewayOptions { listen: loopback(), clock: Arc::new(SystemClock), settings };
    let gateway = ShopGateway::start(options).await.unwrap();
    let url = format!("http://{}", gateway.address());
    let (shutdown, asked) = oneshot::channel::<()>();
    let running = tokio::spawn(gateway.serve(async move { drop(asked.await) }));

    let nobody = GatewayClient::new(&url).unwrap();
    let person = Person {
        email: "jiwoo@bojagi.example".into(),
        password: "a long enough pass phrase".into(),
        name: "Jiwoo".into(),
        kind: AccountKind::Customer,
    };
    let mailbox = data.path().join("user").join("mailbox");
    let customer = join(&nobody, &mailbox, &person).await.unwrap();
    let orders = customer.gateway.orders().list_orders(ListOrdersRequest::default()).await.unwrap();
    assert!(orders.into_inner().orders.is_empty(), "order has checked the token with the keys of user");
    let refused = nobody.orders().list_orders(ListOrdersRequest::default()).await.unwrap_err();
    assert_eq!(reason(&refused), "TOKEN_MISSING");
    let internal = customer.gateway.orders().get_order_totals(GetOrderTotalsRequest::default()).await.unwrap_err();
    assert_eq!(internal.code(), Code::Unimplemented, "internal methods look as if they did not exist");

    shutdown.send(()).unwrap();
    running.await.unwrap();
    for process in served.into_iter().rev() {
        assert!(process.stop().await, "it ends in an orderly way");
    }
}

/// A gateway of the shop, and what stops it. None of its services is there but those that `services` places.
async fn gateway(certificates: &TempDir, services: ServiceSettings, keys_ms: u64) -> (String, RunningGateway, Stop) {
    let mut settings = settings(certificates);
    settings.services = services;
    settings.serve.keys_ms = keys_ms;
    let options = ShopGatewayOptions { listen: loopback(), clock: Arc::new(SystemClock), settings };
    let gateway = ShopGateway::start(options).await.unwrap();
    let (url, running) = (format!("http://{}", gateway.address()), gateway.running());
    let (shutdown, asked) = oneshot::channel::<()>();
    let served = tokio::spawn(gateway.serve(async move { drop(asked.await) }));
    (url, running, Stop { shutdown, served })
}

struct Stop {
    shutdown: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

impl Stop {
    async fn now(self) {
        self.shutdown.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(20), self.served).await.unwrap().unwrap();
    }
}

const LONGER_THAN_ANY_TEST: u64 = 600_000;

#[tokio::test]
async fn a_gateway_is_ready_when_it_can_check_tokens_and_answers_before() {
    let certificates = certificates();
    let (url, running, stop) = gateway(&certificates, settings_for(&[]), LONGER_THAN_ANY_TEST).await;
    let nobody = GatewayClient::new(&url).unwrap();
    let refused = nobody.orders().list_orders(ListOrdersRequest::default()).await.unwrap_err();
    assert_eq!(reason(&refused), "TOKEN_MISSING", "it answers");
    assert!(!running.is_ready(), "user has not told any keys");
    stop.now().await;

    let data = TempDir::new().unwrap();
    let options = ServeOptions {
        services: vec!["user".to_owned()],
        data: data.path().join("user"),
        listen: loopback(),
        clock: Arc::new(SystemClock),
        settings: settings(&certificates),
    };
    let user = Served::start_without(Vec::new(), options).await.unwrap();
    let mut services = settings_for(&[]);
    services.place("user", vec![format!("https://{}", user.address())]);
    let (_, running, stop) = gateway(&certificates, services, LONGER_THAN_ANY_TEST).await;
    eventually("it is ready", async || running.is_ready()).await;
    stop.now().await;
    assert!(!running.is_ready(), "it has gone");
    assert!(user.stop().await);
}

#[tokio::test]
async fn a_gateway_does_not_wait_for_keys_for_ever() {
    let (_, running, stop) = gateway(&certificates(), settings_for(&[]), 1).await;
    eventually("it is ready without them", async || running.is_ready()).await;
    stop.now().await;
}

#[tokio::test]
async fn mistakes_are_told_at_once_before_anything_is_opened() {
    let data = TempDir::new().unwrap();
    let start = async |services: &[&str], settings: MeshSettings| {
        let options = ServeOptions {
            services: services.iter().map(|name| (*name).to_owned()).collect(),
            data: data.path().join("data"),
            listen: loopback(),
            clock: Arc::new(SystemClock),
            settings,
        };
        match Served::start(options).await {
            Err(StartError::Settings(mistakes)) => mistakes.0,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it started"),
        }
    };
    let mistakes = start(&["settlement"], MeshSettings::defaults().unwrap()).await;
    let begins = [
        "kafka.bootstrap: is missing",
        "services.user: is empty, and settlement calls it",
        "services.order: is empty",
        "services.payment: is empty",
        "serve.identity.certificate: is missing",
        "serve.identity.key: is missing",
        "serve.identity.ca: is missing",
    ];
    assert_eq!(mistakes.len(), begins.len(), "{mistakes:#?}");
    for (mistake, beginning) in mistakes.iter().zip(begins) {
        assert!(mistake.starts_with(beginning), "{mistake}");
    }

    let server = [
        ("BOJAGI_DATABASE__URL", "postgres://bojagi@localhost/bojagi"),
        ("BOJAGI_DATABASE__SCHEMA", "{context}"),
        ("BOJAGI_KAFKA__BOOTSTRAP", "localhost:9092"),
    ];
    let on_a_server = server.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mistakes = start(&CONTEXTS.map(|(name, _)| name), MeshSettings::load(None, on_a_server).unwrap()).await;
    assert!(mistakes[0].starts_with("mesh.page_secret: is missing"), "{mistakes:#?}");
    assert_eq!(mistakes.len(), 4, "{mistakes:#?}");

    let mistakes = start(&["orders", "cart"], MeshSettings::defaults().unwrap()).await;
    assert_eq!(mistakes.len(), 2, "{mistakes:#?}");
    assert!(!data.path().join("data").exists());
}
