//! The place of a call in its trace: a span for the call, as a server, and one for each attempt, as a client.
//!
//! There are two of each: one of `tracing`, at the level `debug`, by which lines of the log belong together, and one for a collector.
//! Both name the same trace context, which is passed on whether anybody records them or not: the `traceparent` of a client with its
//! `tracestate`, if it is well-formed and the only one. Without one, the span of the call begins a trace.

use bojagi_telemetry::{Span, SpanKind, TraceContext};
use http::Request;

/// The name of the gateway among the services of a trace.
const SERVICE: &str = "gateway";

/// In whose name a call is made that no client has sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MadeBy(pub(crate) &'static str);

/// Makes the headers speak of a new span, whose parent is the one that they spoke of.
pub(crate) fn step_into<B>(request: &mut Request<B>, kind: SpanKind) -> Span {
    let service = request.extensions().get::<MadeBy>().map_or(SERVICE, |made_by| made_by.0);
    let headers = request.headers_mut();
    let span = Span::begin(service, kind, "call", TraceContext::from_headers(headers));
    span.context().write_to(headers);
    span
}

/// The spans of a call, from its beginning to the end of its answer: for the log, and for a collector.
pub(crate) fn begin_call<B>(request: &mut Request<B>) -> (tracing::Span, Span) {
    let told = step_into(request, SpanKind::Server);
    let context = told.context();
    let logged =
        tracing::debug_span!("call", otel.kind = "server", method = request.uri().path(), traceparent = %context);
    (logged, told)
}
