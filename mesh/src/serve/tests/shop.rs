//! All six services, a process each, and the gateway in front. Facts do not cross between them here: that takes brokers.

use std::net::SocketAddr;
use std::sync::Arc;

use bojagi_api::order::{GetOrderTotalsRequest, ListOrdersRequest};
use bojagi_api::user::AccountKind;
use bojagi_kernel::SystemClock;
use bojagi_testkit::reason;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::Code;

use super::certificates;
use crate::client::GatewayClient;
use crate::people::{Person, join};
use crate::serve::{ServeOptions, Served};
use crate::{CONTEXTS, MeshSettings, ShopGateway, ShopGatewayOptions, StartError};

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
