//! The trace that an order was placed in: what happens to the order later belongs to it, whoever drives it.

use bojagi_telemetry::TraceContext;

use crate::domain::{Order, PlacedIn};

/// The trace of the call at hand, for the order that it places.
pub(crate) fn current() -> Option<PlacedIn> {
    TraceContext::current()
        .map(|trace| PlacedIn { traceparent: trace.to_string(), tracestate: trace.tracestate().map(str::to_owned) })
}

/// The trace that an order was placed in.
pub(crate) fn of(order: &Order) -> Option<TraceContext> {
    let PlacedIn { traceparent, tracestate } = order.trace.as_ref()?;
    Some(TraceContext::parse(traceparent)?.with_tracestate(tracestate.as_deref().unwrap_or_default()))
}
