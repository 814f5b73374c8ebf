//! W3C trace context, version 00: <https://www.w3.org/TR/trace-context/>.

mod headers;
mod state;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name of the header, metadata key and column that carries a trace context.
pub const TRACEPARENT: &str = "traceparent";
/// The name of the header, metadata key and column that carries the state of a trace context, where there is one.
pub const TRACESTATE: &str = "tracestate";

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Traces that begin here are sampled when the lower half of their id is at or below this, which is how all who sample by
/// the ratio of ids come to the same choice.
static SAMPLED_UP_TO: AtomicU64 = AtomicU64::new(u64::MAX);

/// Samples this part, from 0 to 1, of the traces that begin in this process. Those that come from elsewhere are sampled as
/// their beginning says.
pub(crate) fn sample_roots(ratio: f64) {
    // A whole number of the 2^64 values; the cast saturates, so that 1 means all of them.
    let up_to = (ratio.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
    SAMPLED_UP_TO.store(up_to, Ordering::Relaxed);
}

/// Which trace the work at hand belongs to, and which span of it caused it. A clone allocates nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
    state: Option<Arc<str>>,
}

impl TraceContext {
    /// The first span of a new trace.
    #[must_use]
    pub fn root() -> Self {
        let trace_id = rand::random::<u128>().max(1);
        let up_to = SAMPLED_UP_TO.load(Ordering::Relaxed);
        // None at all has to be none, although one of the 2^64 ids is 0.
        let sampled = up_to > 0 && trace_id as u64 <= up_to;
        Self { trace_id, span_id: rand::random::<u64>().max(1), sampled, state: None }
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: rand::random::<u64>().max(1), ..self.clone() }
    }

    /// Whether its spans are recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }

    pub(crate) const fn trace_id_bytes(&self) -> [u8; 16] {
        self.trace_id.to_be_bytes()
    }

    pub(crate) const fn span_id_bytes(&self) -> [u8; 8] {
        self.span_id.to_be_bytes()
    }

    /// Reads a `traceparent` header; `None` when it is malformed, as the specification asks.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let well_formed = version.len() == 2 && trace_id.len() == 32 && span_id.len() == 16 && flags.len() == 2;
        let lower_case_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !well_formed || ![version, trace_id, span_id, flags].into_iter().all(lower_case_hex) {
            return None;
        }
        // A later version may append fields; version 00 may not, and ff is not a version.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let context = Self {
            trace_id: u128::from_str_radix(trace_id, 16).ok()?,
            span_id: u64::from_str_radix(span_id, 16).ok()?,
            sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
            state: None,
        };
        (context.trace_id != 0 && context.span_id != 0).then_some(context)
    }

    /// The same with the `tracestate` that came along; without one, when it is empty or malformed.
    #[must_use]
    pub fn with_tracestate(self, tracestate: &str) -> Self {
        Self { state: state::read(std::iter::once(tracestate)), ..self }
    }

    /// What vendors of tracing have put beside the trace, as a `tracestate` header. Whoever began the trace has written it: it
    /// goes wherever the trace goes, and nowhere else.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The trace context of the task that asks, if it runs inside a [`scope`](Self::scope).
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `work` as part of this trace.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The trace id as 32 hexadecimal digits, for logs and histories.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    /// As a `traceparent` header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_the_round_trip() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::parse(header).unwrap().to_string(), header);
        let root = TraceContext::root();
        assert_eq!(TraceContext::parse(&root.to_string()), Some(root.clone()));
        assert_eq!(root.child().trace_id(), root.trace_id());
    }

    #[test]
    fn a_state_goes_along_and_is_not_shown() {
        let root = TraceContext::root().with_tracestate("vendor=abc");
        assert_eq!(root.child().tracestate(), Some("vendor=abc"));
        assert!(!format!("{root} {root:?}").contains("vendor"));
        assert_eq!(root.with_tracestate("no list").tracestate(), None);
    }

    #[test]
    fn malformed_headers_are_ignored() {
        for malformed in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(malformed), None, "{malformed}");
        }
    }

    #[tokio::test]
    async fn the_context_is_that_of_the_task() {
        assert_eq!(TraceContext::current(), None);
        let root = TraceContext::root();
        assert_eq!(root.clone().scope(async { TraceContext::current() }).await, Some(root));
    }
}
