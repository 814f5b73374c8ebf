//! Processes in one test process, over real sockets and mutual TLS.

mod leaving;
mod probed;
mod process;
mod renewed;
mod shop;
mod trust;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bojagi_chassis::channel::Channel;
use bojagi_chassis::{Switchboard, deadline};
use bojagi_telemetry::TraceContext;
use bojagi_testkit::eventually;
use tempfile::TempDir;
use tonic::Code;

use self::process::{Answer, Process, RESERVE, ask, identity, settings_for, watch_fixed};
use crate::certs::make_certificates;
use crate::identity::Identity;
use crate::remote::Remotes;
use crate::settings::ServiceSettings;

/// Certificates of a mesh.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path(), "bojagi", &[]).unwrap();
    folder
}

/// A workload that calls item at these processes.
struct Client {
    channel: Channel,
    remotes: Remotes,
    _switchboard: Switchboard,
}

impl Client {
    fn of(workload: &'static str, certificates: &TempDir, processes: &[&Process]) -> Self {
        Self::with(workload, identity(certificates, &[workload]), &settings_for(processes))
    }

    fn with(workload: &'static str, identity: Arc<Identity>, settings: &ServiceSettings) -> Self {
        let remotes = Remotes::connect(settings, &[workload], &identity).unwrap();
        let switchboard = Switchboard::default();
        switchboard.connect(remotes.handlers(settings).unwrap());
        Self { channel: switchboard.channel(workload), remotes, _switchboard: switchboard }
    }

    async fn ask(&self, path: &'static str) -> Answer {
        ask(self.channel.clone(), path).await
    }
}

#[tokio::test]
async fn a_call_arrives_with_who_calls_until_when_and_in_which_trace() {
    let certificates = certificates();
    let item = Process::of_item("a", &certificates).await;
    let order = Client::of("order", &certificates, &[&item]);

    let trace = TraceContext::root().with_tracestate("vendor=abc");
    let until = Instant::now() + Duration::from_secs(20);
    let answer = trace.clone().scope(deadline::scope(until, order.ask(RESERVE))).await;
    assert_eq!(answer.code, Code::Ok, "{answer:?}");
    assert_eq!(answer.seen("caller"), "Workload(\"order\")");
    assert_eq!((answer.seen("trace"), answer.seen("trace-state")), (&*trace.trace_id(), "vendor=abc"));
    let left: u64 = answer.seen("milliseconds-left").parse().unwrap();
    assert!((10_000..=20_000).contains(&left), "{left}");

    let past = Instant::now();
    let late = deadline::scope(past, order.ask(RESERVE)).await;
    assert_eq!(late.code, Code::DeadlineExceeded, "{late:?}");
    assert_eq!(item.calls(), 1, "what is over before it begins is not sent");
}

#[tokio::test]
async fn an_instance_that_dies_is_not_called_any_more() {
    let certificates = certificates();
    let (first, second) =
        (Process::of_item("first", &certificates).await, Process::of_item("second", &certificates).await);
    let order = Client::of("order", &certificates, &[&first, &second]);
    eventually("both are called", async || {
        order.ask(RESERVE).await;
        first.calls() > 0 && second.calls() > 0
    })
    .await;

    first.die().await;
    for _ in 0..50 {
        let answer = order.ask(RESERVE).await;
        assert_eq!((answer.code, answer.seen("instance")), (Code::Ok, "second"), "{answer:?}");
    }
    let status = order.remotes.status();
    let item = &status["order to item"];
    assert_eq!(item.endpoints.len(), 2);
    assert_eq!(item.endpoints.iter().filter(|endpoint| endpoint.connection_error.is_some()).count(), 1, "{item:?}");
}

#[tokio::test]
async fn whoever_is_not_there_is_unavailable_at_once() {
    let certificates = certificates();
    let mut settings = settings_for(&[]);
    settings.upstreams.reconnect_first_ms = 60_000;
    settings.upstreams.reconnect_longest_ms = 60_000;
    let order = Client::with("order", identity(&certificates, &["order"]), &settings);
    eventually("the attempt to connect has failed", async || {
        order.remotes.status()["order to item"].endpoints.iter().all(|endpoint| endpoint.connection_error.is_some())
    })
    .await;
    let answer = tokio::time::timeout(Duration::from_secs(10), order.ask(RESERVE)).await.unwrap();
    assert_eq!(answer.code, Code::Unavailable, "{answer:?}");
}

#[tokio::test]
async fn a_process_leads_to_its_own_services_and_nowhere_else() {
    let certificates = certificates();
    let item = Process::of_item("a", &certificates).await;
    let order = Client::of("order", &certificates, &[&item]);
    let elsewhere = order.ask("/bojagi.item.v1.StoreService/GetStore").await;
    assert_eq!(elsewhere.code, Code::Unimplemented, "{elsewhere:?}");
}

#[tokio::test]
async fn more_connections_than_may_be_are_closed() {
    let certificates = certificates();
    let item = Process::limited("a", &certificates, |limits| limits.max = 1).await;
    let first = Client::of("order", &certificates, &[&item]);
    assert_eq!(first.ask(RESERVE).await.code, Code::Ok);
    let second = Client::with("order", identity(&certificates, &["order"]), &watch_fixed(&[&item]));
    assert_eq!(second.ask(RESERVE).await.code, Code::Unavailable);
    assert_eq!(first.ask(RESERVE).await.code, Code::Ok, "who is in stays in");
}
