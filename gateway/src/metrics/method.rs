//! The counters of one method, looked up in their families when they are first needed. So methods that nobody calls are not shown.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tonic::Code;

use super::Counter;
use super::code_name;
use super::families::Families;
use super::labels::{DialectLabel, ErrorLabels, HandledLabels, MethodLabels, StartedLabels};

/// gRPC has seventeen codes, from OK = 0 to UNAUTHENTICATED = 16.
const CODES: usize = 17;

/// The counters of one method.
#[derive(Debug)]
pub(crate) struct MethodMetrics {
    families: Arc<Families>,
    labels: MethodLabels,
    by_dialect: [ByDialect; DialectLabel::COUNT],
    common: OnceLock<Common>,
}

#[derive(Debug, Default)]
struct ByDialect {
    started: OnceLock<Counter>,
    handled: [OnceLock<Counter>; CODES],
}

#[derive(Debug)]
struct Common {
    seconds: Histogram,
    in_flight: Gauge,
    messages_in: Counter,
    messages_out: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
    attempts: Counter,
    retries: Counter,
}

/// What is known of a call when it is over.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) dialect: DialectLabel,
    pub(crate) code: Code,
    /// The reason for which the gateway ended it.
    pub(crate) reason: Option<&'static str>,
    pub(crate) duration: Duration,
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) attempts: u32,
}

impl MethodMetrics {
    pub(super) fn new(families: Arc<Families>, labels: MethodLabels) -> Self {
        Self { families, labels, by_dialect: Default::default(), common: OnceLock::new() }
    }

    /// The path of its calls.
    pub(crate) fn path(&self) -> String {
        self.labels.path()
    }

    /// Counts a call as begun; [`end`](Self::end) has to follow.
    pub(crate) fn begin(&self, dialect: DialectLabel) {
        let started = self.by_dialect[dialect.index()].started.get_or_init(|| {
            self.families.started.get_or_create_owned(&StartedLabels { method: self.labels.clone(), dialect })
        });
        started.inc();
        self.common().in_flight.inc();
    }

    /// Counts a call that is over.
    pub(crate) fn end(&self, call: &Ended) {
        let Ended { dialect, code, .. } = *call;
        let handled = self.by_dialect[dialect.index()].handled[code as usize].get_or_init(|| {
            let labels = HandledLabels { method: self.labels.clone(), dialect, code: code_name(code) };
            self.families.handled.get_or_create_owned(&labels)
        });
        handled.inc();
        if let Some(reason) = call.reason {
            self.families.errors.get_or_create(&ErrorLabels { method: self.labels.clone(), reason }).inc();
        }

        let common = self.common();
        common.in_flight.dec();
        common.seconds.observe(call.duration.as_secs_f64());
        common.messages_in.inc_by(call.messages_in);
        common.messages_out.inc_by(call.messages_out);
        common.bytes_in.inc_by(call.bytes_in);
        common.bytes_out.inc_by(call.bytes_out);
        common.attempts.inc_by(call.attempts.into());
        common.retries.inc_by(call.attempts.saturating_sub(1).into());
    }

    fn common(&self) -> &Common {
        self.common.get_or_init(|| {
            let (families, labels) = (&self.families, &self.labels);
            Common {
                seconds: families.seconds.get_or_create_owned(labels),
                in_flight: families.in_flight.get_or_create_owned(labels),
                messages_in: families.messages_in.get_or_create_owned(labels),
                messages_out: families.messages_out.get_or_create_owned(labels),
                bytes_in: families.bytes_in.get_or_create_owned(labels),
                bytes_out: families.bytes_out.get_or_create_owned(labels),
                attempts: families.attempts.get_or_create_owned(labels),
                retries: families.retries.get_or_create_owned(labels),
            }
        })
    }
}
