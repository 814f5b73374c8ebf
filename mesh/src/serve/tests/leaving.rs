//! How a process goes.

use bojagi_testkit::eventually;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::process::{Process, RESERVE, identity, settings_for};
use super::{Client, certificates};

#[tokio::test]
async fn a_running_call_finishes_and_new_ones_are_refused() {
    let certificates = certificates();
    let item = Process::gated(&certificates).await;
    let order = Client::of("order", &certificates, &[&item]);
    let running = tokio::spawn({
        let channel = order.channel.clone();
        async move { super::ask(channel, RESERVE).await }
    });
    eventually("the call has come", async || item.calls() == 1).await;

    item.leave();
    eventually("nobody is let in any more", async || tokio::net::TcpStream::connect(item.address).await.is_err()).await;
    eventually("new calls are refused", async || order.ask(RESERVE).await.code == Code::Unavailable).await;
    assert_eq!(item.calls(), 1, "none of them has reached the service");
    assert!(!running.is_finished());
    item.let_go();
    assert_eq!(running.await.unwrap().code, Code::Ok);
    item.gone().await;
}

#[tokio::test]
async fn calls_go_to_another_instance_while_one_leaves() {
    let certificates = certificates();
    let (leaving, staying) =
        (Process::of_item("leaving", &certificates).await, Process::of_item("staying", &certificates).await);
    let order = Client::of("order", &certificates, &[&leaving, &staying]);
    eventually("both are called", async || {
        order.ask(RESERVE).await;
        leaving.calls() > 0 && staying.calls() > 0
    })
    .await;
    leaving.leave();
    for _ in 0..100 {
        assert_eq!(order.ask(RESERVE).await.code, Code::Ok);
    }
    leaving.gone().await;
    assert_eq!(order.ask(RESERVE).await.seen("instance"), "staying");
}

#[tokio::test]
async fn health_checks_hear_that_it_goes() {
    let certificates = certificates();
    let item = Process::of_item("a", &certificates).await;
    let who = identity(&certificates, &["order"]);
    let settings = settings_for(&[&item]);
    let cluster = {
        use bojagi_gateway::{Cluster, ClusterPorts, SystemResolver};
        let ports =
            ClusterPorts { resolver: std::sync::Arc::new(SystemResolver), connector: who.connector("order", "item") };
        Cluster::new(settings.of("item"), settings.upstreams.clone(), ports).unwrap()
    };
    let mut health = HealthClient::new(cluster.upstream());
    let service = "bojagi.item.v1.StockService".to_owned();
    let mut watched = health.watch(HealthCheckRequest { service }).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    item.leave();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(watched.message().await.unwrap_err().code(), Code::Unavailable);
    item.gone().await;
}
