#![doc = include_str!("../README.md")]

pub mod logging;
pub mod metrics;
pub mod otlp;
mod span;
mod trace;

pub use span::{Details, Span, SpanKind, Value};
pub use trace::{TRACEPARENT, TRACESTATE, TraceContext};
