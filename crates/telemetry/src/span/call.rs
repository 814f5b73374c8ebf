//! Spans of gRPC calls, described as the semantic conventions of OpenTelemetry ask:
//! <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/>.

use std::borrow::Cow;

use tonic::Code;

use super::{Details, Span, SpanKind};

impl Span {
    /// Says which call this was and the status that it ended with. `path` (`/bojagi.order.v1.OrderService/PlaceOrder`) is
    /// that of a known method, never what a caller has asked for.
    pub fn describe_call<P: Into<Cow<'static, str>>>(&mut self, path: impl FnOnce() -> P, code: Code) {
        self.describe(|details| details.describe_call(path().into(), code));
    }
}

impl Details {
    fn describe_call(&mut self, path: Cow<'static, str>, code: Code) {
        let part = |from: usize, to: usize| match &path {
            Cow::Borrowed(path) => Cow::Borrowed(&path[from..to]),
            Cow::Owned(path) => Cow::Owned(path[from..to].to_owned()),
        };
        let (begins, ends) = (usize::from(path.starts_with('/')), path.len());
        self.set("rpc.system", "grpc");
        if let Some(between) = path.rfind('/').filter(|between| *between > begins) {
            self.set("rpc.service", part(begins, between));
            self.set("rpc.method", part(between + 1, ends));
        }
        self.set("rpc.grpc.status_code", i64::from(code as i32));
        self.rename(part(begins, ends));
        self.failed = if self.kind == SpanKind::Client { code != Code::Ok } else { is_fault_of_server(code) };
    }
}

/// With the other codes a server has done what it should.
const fn is_fault_of_server(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}
