//! A collector of telemetry in this process: takes what is exported to it, and shows it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tower::{Service, service_fn};

/// A collector that listens on a free port of the loopback interface until it is dropped.
pub struct Collector {
    address: SocketAddr,
    taken: Arc<Taken>,
    server: JoinHandle<()>,
}

/// A span and the service that it belongs to.
#[derive(Debug, Clone)]
pub struct CollectedSpan {
    /// `service.name` of its resource.
    pub service: String,
    /// The span.
    pub span: Span,
}

#[derive(Default)]
struct Taken {
    spans: Mutex<Vec<CollectedSpan>>,
    metrics: Mutex<Vec<Metric>>,
    metadata: Mutex<Vec<MetadataMap>>,
    /// How many spans have come, whether they are kept or not.
    count: AtomicUsize,
    keeps_none: bool,
    /// What it answers instead of taking anything.
    refusal: Mutex<Option<Status>>,
    /// Whether answers are held back.
    held: watch::Sender<bool>,
}

impl Collector {
    /// Starts one on a port that the system chooses.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts one at an address, such as that of one which was dropped.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start_at(address: SocketAddr) -> Self {
        Self::start_with(address, Taken::default()).await
    }

    /// Starts one that counts spans and keeps none, for measuring.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn counting() -> Self {
        let taken = Taken { keeps_none: true, ..Taken::default() };
        Self::start_with(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), taken).await
    }

    async fn start_with(address: SocketAddr, taken: Taken) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(taken);
        let traces = TraceServiceServer::new(Door(Arc::clone(&taken)));
        let metrics = MetricsServiceServer::new(Door(Arc::clone(&taken)));
        let service = service_fn(move |request: http::Request<tonic::body::Body>| {
            let (mut traces, mut metrics) = (traces.clone(), metrics.clone());
            async move {
                if request.uri().path().contains("TraceService") {
                    traces.call(request).await
                } else {
                    metrics.call(request).await
                }
            }
        });
        let serving = Server::builder().serve_with_incoming(service, TcpIncoming::from(listener));
        let server = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, taken, server }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as the setting that names it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers everything with this status from now on, or takes it again.
    pub fn refuse(&self, refusal: Option<Status>) {
        *self.taken.refusal.lock() = refusal;
    }

    /// Holds answers back from now on, or lets them go: spans are taken all the same.
    pub fn hold_answers(&self, held: bool) {
        self.taken.held.send_replace(held);
    }

    /// All spans so far.
    #[must_use]
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.taken.spans.lock().clone()
    }

    /// How many spans have come.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.count.load(Ordering::Relaxed)
    }

    /// The spans of one trace, by its 32 hexadecimal digits.
    #[must_use]
    pub fn trace(&self, trace_id: &str) -> Vec<CollectedSpan> {
        let mut spans = self.spans();
        spans.retain(|collected| hex(&collected.span.trace_id) == trace_id);
        spans
    }

    /// All reports of metrics so far, one after the other.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        self.taken.metrics.lock().clone()
    }

    /// The metadata of all messages so far.
    #[must_use]
    pub fn metadata(&self) -> Vec<MetadataMap> {
        self.taken.metadata.lock().clone()
    }
}

impl CollectedSpan {
    /// The text of an attribute, or of a number; empty when it is not there.
    #[must_use]
    pub fn attribute(&self, name: &str) -> String {
        text(&self.span.attributes, name)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Bytes as hexadecimal digits, in which ids are written.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

impl Taken {
    fn take(&self, message: ExportTraceServiceRequest) {
        let mut taken = self.spans.lock();
        for of_service in message.resource_spans {
            let service = text(&of_service.resource.unwrap_or_default().attributes, "service.name");
            let spans: Vec<_> = of_service.scope_spans.into_iter().flat_map(|scope| scope.spans).collect();
            self.count.fetch_add(spans.len(), Ordering::Relaxed);
            if self.keeps_none {
                continue;
            }
            taken.extend(spans.into_iter().map(|span| CollectedSpan { service: service.clone(), span }));
        }
    }
}

struct Door(Arc<Taken>);

impl Door {
    fn open(&self, metadata: &MetadataMap) -> Result<(), Status> {
        self.0.metadata.lock().push(metadata.clone());
        self.0.refusal.lock().clone().map_or(Ok(()), Err)
    }
}

#[tonic::async_trait]
impl TraceService for Door {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.open(request.metadata())?;
        self.0.take(request.into_inner());
        let mut held = self.0.held.subscribe();
        // Its sender is in our own hands, so that waiting cannot fail.
        drop(held.wait_for(|held| !held).await);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Door {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.open(request.metadata())?;
        let reports = request.into_inner().resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        self.0.metrics.lock().extend(reports.flat_map(|scope| scope.metrics));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
