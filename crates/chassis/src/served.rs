//! A call that is being served: a span, and one call more among those that are counted.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};
use std::time::Instant;

use bojagi_api::policy::{METHODS, Method};
use bojagi_telemetry::metrics::{self, code_name};
use bojagi_telemetry::{Span, SpanKind, TraceContext};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use tonic::{Code, Status};

/// The upper bounds of the classes of durations, in seconds: a call inside the process takes less than the first.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// gRPC has seventeen codes, from OK = 0 to UNAUTHENTICATED = 16.
const CODES: usize = 17;
/// Stands for whatever is no method of the contracts.
const OTHER: &str = "/other/other";

/// A call from its arrival to its answer. A stream of answers is over, here, when it begins. When it is dropped before, the
/// caller has gone.
pub(crate) struct Served {
    span: Span,
    path: &'static str,
    began: Instant,
    code: Code,
}

impl Served {
    /// A call of a method of the context `domain` arrives, in the trace of its caller or a new one.
    pub(crate) fn begin(domain: &'static str, method: Option<&Method>, parent: Option<TraceContext>) -> Self {
        let path = method.map_or(OTHER, |method| method.path);
        let span = Span::begin(domain, SpanKind::Server, "call", parent);
        Self { span, path, began: Instant::now(), code: Code::Cancelled }
    }

    /// The trace context of everything that is done for it.
    pub(crate) fn trace(&self) -> TraceContext {
        self.span.context()
    }

    /// It ends with this answer. The status of an answer without message is among its headers; one with a message is OK.
    pub(crate) fn end<B>(mut self, answer: http::Response<B>) -> http::Response<B> {
        self.code =
            answer.headers().get(Status::GRPC_STATUS).map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()));
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.span.describe_call(|| self.path, self.code);
        if let Some(counters) = COUNTERS.methods.get(self.path) {
            counters.count(self.code, self.began);
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfMethod {
    service: &'static str,
    method: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfOutcome {
    service: &'static str,
    method: &'static str,
    code: &'static str,
}

/// The counters of all methods.
struct Counters {
    methods: HashMap<&'static str, MethodCounters>,
}

/// The counters of one method, made when it is called for the first time: what nobody calls is not shown.
struct MethodCounters {
    labels: OfMethod,
    families: Families,
    seconds: OnceLock<Histogram>,
    handled: [OnceLock<Counter>; CODES],
}

#[derive(Clone)]
struct Families {
    seconds: Family<OfMethod, Histogram>,
    handled: Family<OfOutcome, Counter>,
}

static COUNTERS: LazyLock<Counters> = LazyLock::new(|| {
    let families =
        Families { seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)), handled: Family::default() };
    metrics::add(|registry| {
        let registry = registry.sub_registry_with_prefix("bojagi_rpc_server");
        let help = "How long services took to answer calls; a stream counts until it begins";
        registry.register_with_unit("duration", help, Unit::Seconds, families.seconds.clone());
        let help = "Calls that services have answered, by status code";
        registry.register("handled", help, families.handled.clone());
    });
    let paths = METHODS.iter().map(|method| method.path).chain([OTHER]);
    Counters { methods: paths.map(|path| (path, MethodCounters::of(path, &families))).collect() }
});

impl MethodCounters {
    fn of(path: &'static str, families: &Families) -> Self {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or((path, path));
        Self {
            labels: OfMethod { service, method },
            families: families.clone(),
            seconds: OnceLock::new(),
            handled: Default::default(),
        }
    }

    fn count(&self, code: Code, began: Instant) {
        let seconds = self.seconds.get_or_init(|| self.families.seconds.get_or_create_owned(&self.labels));
        seconds.observe(began.elapsed().as_secs_f64());
        let OfMethod { service, method } = self.labels;
        let handled = self.handled[code as usize].get_or_init(|| {
            self.families.handled.get_or_create_owned(&OfOutcome { service, method, code: code_name(code) })
        });
        handled.inc();
    }
}
