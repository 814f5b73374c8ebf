//! A trace context in the headers of a request.

use http::{HeaderMap, HeaderValue};

use super::{TRACEPARENT, TRACESTATE, TraceContext, state};

impl TraceContext {
    /// The trace context that a request came with; `None` when it is malformed, or there are several.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let context = parents.next()?.to_str().ok().and_then(Self::parse)?;
        if parents.next().is_some() {
            return None;
        }
        let lines = headers.get_all(TRACESTATE).iter();
        // A line that is no text makes the whole list malformed.
        let state = state::read(lines.map(|line| line.to_str().unwrap_or("=")));
        Some(Self { state, ..context })
    }

    /// Makes the headers of a request speak of this context, and of no other.
    pub fn write_to(&self, headers: &mut HeaderMap) {
        // Both are made of characters that headers may hold, so they always are values.
        if let Ok(parent) = HeaderValue::try_from(self.to_string()) {
            headers.insert(TRACEPARENT, parent);
        }
        match self.tracestate().and_then(|state| HeaderValue::from_str(state).ok()) {
            Some(state) => drop(headers.insert(TRACESTATE, state)),
            None => drop(headers.remove(TRACESTATE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &[u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn a_state_comes_with_its_parent_or_not_at_all() {
        let parent = ("traceparent", PARENT.as_bytes());
        let read = |lines: &[(&'static str, &[u8])]| {
            let context = TraceContext::from_headers(&headers(lines))?;
            Some(context.tracestate().unwrap_or_default().to_owned())
        };
        for (lines, expected) in [
            (&[parent][..], Some("")),
            (&[parent, ("tracestate", b"a=1"), ("tracestate", b"b=2")], Some("a=1,b=2")),
            (&[parent, ("tracestate", b"a")], Some("")),
            (&[parent, ("tracestate", b"a=1"), ("tracestate", b"b=\xff")], Some("")),
            (&[("tracestate", b"a=1")], None),
            (&[("traceparent", b"00"), ("tracestate", b"a=1")], None),
            (&[parent, parent, ("tracestate", b"a=1")], None),
        ] {
            assert_eq!(read(lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn headers_speak_of_one_context_alone() {
        let came = [("traceparent", &b"00"[..]), ("tracestate", b"a=1"), ("tracestate", b"b=2")];
        let context = TraceContext::parse(PARENT).unwrap();
        let mut without = headers(&came);
        context.write_to(&mut without);
        assert_eq!(without, headers(&[("traceparent", PARENT.as_bytes())]));

        let mut with = headers(&came);
        context.with_tracestate("vendor=abc").write_to(&mut with);
        assert_eq!(with, headers(&[("traceparent", PARENT.as_bytes()), ("tracestate", b"vendor=abc")]));
    }
}
