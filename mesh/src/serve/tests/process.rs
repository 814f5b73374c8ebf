//! A process with one service, which tells what it sees of a call.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bojagi_chassis::Caller;
use bojagi_chassis::channel::{Channel, Handler};
use bojagi_chassis::deadline;
use bojagi_chassis::guard::Guard;
use bojagi_chassis::tokens::Verifier;
use bojagi_gateway::Readiness;
use bojagi_kernel::SystemClock;
use bojagi_telemetry::TraceContext;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::body::Body;
use tower::{Service, ServiceExt};

use crate::MeshSettings;
use crate::identity::Identity;
use crate::serve::closing::{Closing, Stage};
use crate::serve::described;
use crate::serve::door::Door;
use crate::settings::{ConnectionLimits, ServiceSettings};

/// A method that is meant for order alone.
pub(super) const RESERVE: &str = "/bojagi.item.v1.StockService/ReserveStock";
/// A method for anybody.
pub(super) const PUBLIC: &str = "/bojagi.item.v1.CatalogService/SearchItems";

/// How long running calls may take to finish in tests.
const GRACE: Duration = Duration::from_secs(30);

/// A service that answers every call with what it sees of it.
#[derive(Clone)]
struct Mirror {
    instance: &'static str,
    calls: Arc<AtomicUsize>,
    /// While there is one, calls wait for it.
    gate: Option<Arc<Notify>>,
}

impl Service<Request<Body>> for Mirror {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { instance, calls, gate } = self.clone();
        Box::pin(async move {
            calls.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = gate {
                gate.notified().await;
            }
            let left = deadline::current().map(|at| at.saturating_duration_since(Instant::now()).as_millis());
            let trace = TraceContext::current();
            let caller = Caller::of(&tonic::Request::from_http(request));
            let seen = [
                ("caller", format!("{caller:?}")),
                ("trace", trace.as_ref().map(TraceContext::trace_id).unwrap_or_default()),
                ("trace-state", trace.as_ref().and_then(TraceContext::tracestate).unwrap_or_default().to_owned()),
                ("milliseconds-left", left.map(|left| left.to_string()).unwrap_or_default()),
                ("instance", instance.to_owned()),
            ];
            let mut answer = Response::new(Body::empty());
            answer.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            answer.headers_mut().insert("grpc-status", HeaderValue::from_static("0"));
            for (name, value) in seen {
                answer.headers_mut().insert(name, HeaderValue::try_from(value).unwrap());
            }
            Ok(answer)
        })
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: Code,
    response: http::HeaderMap,
}

impl Answer {
    pub(super) fn seen(&self, name: &str) -> &str {
        self.response.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A call with an empty message.
pub(super) async fn ask(channel: Channel, path: &'static str) -> Answer {
    // An empty message: no compression, no length.
    let message = http_body_util::Full::from(&[0_u8; 5][..]);
    let mut request = Request::post(path).body(Body::new(message)).unwrap();
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let answer = channel.oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned().unwrap_or_default();
    let status = head.headers.get("grpc-status").or_else(|| trailers.get("grpc-status")).unwrap();
    Answer { code: Code::from_bytes(status.as_bytes()), response: head.headers }
}

/// Who a process with these workloads is.
pub(super) fn identity(certificates: &TempDir, workloads: &[&'static str]) -> Arc<Identity> {
    let mut settings = MeshSettings::defaults().unwrap().serve.identity;
    let file = |name: &str| certificates.path().join(name).display().to_string();
    settings.certificate = file("{workload}.pem");
    settings.key = file("{workload}.key");
    settings.ca = file("ca.pem");
    settings.watch_ms = 5;
    Identity::read(settings, workloads.to_vec()).unwrap()
}

/// A process that answers as item.
pub(super) struct Process {
    pub(super) address: std::net::SocketAddr,
    calls: Arc<AtomicUsize>,
    gate: Option<Arc<Notify>>,
    closing: Closing,
    served: JoinHandle<()>,
}

impl Process {
    pub(super) async fn of_item(instance: &'static str, certificates: &TempDir) -> Self {
        Self::limited(instance, certificates, |_| ()).await
    }

    /// With other limits than the defaults.
    pub(super) async fn limited(
        instance: &'static str,
        certificates: &TempDir,
        change: impl FnOnce(&mut ConnectionLimits),
    ) -> Self {
        let mut limits = MeshSettings::defaults().unwrap().serve.connections;
        change(&mut limits);
        Self::start(instance, identity(certificates, &["item"]), limits, None).await
    }

    /// Its calls wait until they are [let go](Self::let_go).
    pub(super) async fn gated(certificates: &TempDir) -> Self {
        let limits = MeshSettings::defaults().unwrap().serve.connections;
        Self::start("gated", identity(certificates, &["item"]), limits, Some(Arc::default())).await
    }

    /// Whoever it says to be.
    pub(super) async fn with(identity: Arc<Identity>) -> Self {
        let limits = MeshSettings::defaults().unwrap().serve.connections;
        Self::start("it", identity, limits, None).await
    }

    async fn start(
        instance: &'static str,
        identity: Arc<Identity>,
        limits: ConnectionLimits,
        gate: Option<Arc<Notify>>,
    ) -> Self {
        let door = Door::open("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = door.local_addr();
        let (calls, readiness, closing) = (Arc::default(), Readiness::default(), Closing::default());
        let mirror = Mirror { instance, calls: Arc::clone(&calls), gate: gate.clone() };
        let guarded = Guard::new(mirror, "item", Arc::new(Verifier::new(Arc::new(SystemClock))));
        let handlers = ["bojagi.item.v1.StockService", "bojagi.item.v1.CatalogService"]
            .map(|name| (name, Handler::new(guarded.clone())));
        let entrance = described::entrance(handlers.to_vec(), &readiness).unwrap();
        readiness.set_serving(true);
        let served = tokio::spawn(door.serve(entrance, identity, limits, readiness, closing.clone(), GRACE));
        Self { address, calls, gate, closing, served }
    }

    /// Calls that have come.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Lets one call go that waits.
    pub(super) fn let_go(&self) {
        self.gate.as_ref().unwrap().notify_one();
    }

    /// Begins to drain.
    pub(super) fn leave(&self) {
        self.closing.reach(Stage::Asked);
    }

    /// Ends when it has drained.
    pub(super) async fn gone(self) {
        tokio::time::timeout(GRACE, self.served).await.unwrap().unwrap();
    }

    /// Without a word.
    pub(super) async fn die(&self) {
        self.served.abort();
        bojagi_testkit::eventually("it is dead", async || self.served.is_finished()).await;
    }
}

/// Settings by which item is at these processes, and all others are nowhere.
pub(super) fn settings_for(processes: &[&Process]) -> ServiceSettings {
    let mut settings = MeshSettings::defaults().unwrap().services;
    for context in crate::CONTEXTS.map(|(context, _)| context) {
        // Nobody can listen on this port.
        settings.place(context, vec!["https://127.0.0.1:1".to_owned()]);
    }
    if !processes.is_empty() {
        let urls = processes.iter().map(|process| format!("https://{}", process.address));
        settings.place("item", urls.collect());
    }
    settings
}

/// The same for a client that gives up soon.
pub(super) fn watch_fixed(processes: &[&Process]) -> ServiceSettings {
    let mut settings = settings_for(processes);
    settings.upstreams.connect_ms = 500;
    settings
}
