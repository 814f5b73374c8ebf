//! The place of a call in its trace: a span for the call, as a server, and one for each attempt, as a client. The spans are those of
//! `tracing`, at the level `debug`; the trace context is passed on whether anybody records them or not.

use bojagi_telemetry::{TRACEPARENT, TraceContext};
use http::{HeaderMap, HeaderValue, Request};
use tracing::Span;

/// Makes the headers speak of a new span, whose parent is the one that they spoke of.
pub(crate) fn step_into(headers: &mut HeaderMap) -> TraceContext {
    let parent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(TraceContext::parse);
    let context = parent.map_or_else(TraceContext::root, |parent| parent.child());
    // A trace context is made of digits and dashes, so it always is a header value.
    if let Ok(value) = HeaderValue::try_from(context.to_string()) {
        headers.insert(TRACEPARENT, value);
    }
    context
}

/// The span of a call, from its beginning to the end of its answer.
pub(crate) fn begin_call<B>(request: &mut Request<B>) -> Span {
    let context = step_into(request.headers_mut());
    tracing::debug_span!("call", otel.kind = "server", method = request.uri().path(), traceparent = %context)
}
