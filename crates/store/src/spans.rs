//! Spans of units of work, described as the semantic conventions of OpenTelemetry ask:
//! <https://opentelemetry.io/docs/specs/semconv/db/database-spans/>.

use bojagi_telemetry::{Details, Span, SpanKind, TraceContext};

use crate::{Database, Options, Reason};

/// How the units of one store are told.
pub(crate) struct Spans {
    service: Option<&'static str>,
    system: &'static str,
    store: String,
}

/// A unit from being asked for to being answered, in the trace of its caller if that is recorded: the span holds the time
/// in the queue, the unit itself, and the commit that it shares with others.
pub(crate) struct Told(Option<Span>);

impl Spans {
    pub(crate) fn of(options: &Options) -> Self {
        let system = match options.database {
            Database::Sqlite(_) => "sqlite",
            Database::Postgres(_) => "postgresql",
        };
        Self { service: options.service, system, store: options.database.name() }
    }

    /// A unit is asked for. Where nobody will be told of it, that is all that it costs.
    pub(crate) fn begin(&self, operation: &'static str, trace: Option<&TraceContext>) -> Told {
        let span = self
            .service
            .and_then(|service| Span::begin_if_recorded(service, SpanKind::Client, operation, trace))
            .map(|mut span| {
                span.describe(|details| self.describe(details, operation));
                span
            });
        Told(span)
    }

    fn describe(&self, details: &mut Details, operation: &'static str) {
        details.rename(format!("{operation} {}", self.store));
        details.set("db.system.name", self.system);
        details.set("db.namespace", self.store.clone());
        details.set("db.operation.name", operation);
    }
}

impl Told {
    /// The unit is answered.
    pub(crate) fn ended<T, E: Reason>(self, outcome: Result<T, E>) -> Result<T, E> {
        if let (Some(mut span), Err(reason)) = (self.0, &outcome)
            && let Some(fault) = reason.fault()
        {
            span.describe(|details| {
                details.fail();
                details.set("error.type", fault);
            });
        }
        outcome
    }
}
