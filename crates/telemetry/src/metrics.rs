//! The metrics of a process: one registry, shown in the text format of OpenMetrics, which Prometheus and collectors read.
//!
//! Components make their counters, gauges and histograms with [`prometheus_client`]. What belongs to something that there can be several
//! of in a process, such as a gateway, is added to one [`Metrics`] with [`Metrics::register`]; what the process counts as a whole, whoever
//! counts, is added once with [`add`], and every `Metrics` shows it. Label values
//! must come from closed sets, such as the methods of the contracts: a label that callers can choose would grow without end.

mod process;

use std::fmt;
use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;
pub use prometheus_client;
use prometheus_client::encoding::text;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tonic::Code;

use self::process::Process;

/// What the process counts as a whole.
static OF_ALL: LazyLock<RwLock<Registry>> = LazyLock::new(RwLock::default);

/// Lets a part of the program add what the process counts as a whole; each part does so once, when it counts for the first time.
pub fn add(add: impl FnOnce(&mut Registry)) {
    add(&mut OF_ALL.write());
}

/// Everything that is counted in this process. All clones are one.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<RwLock<Registry>>,
}

impl Metrics {
    /// The content type of [`text`](Self::text).
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// The metrics that every process has: `bojagi_build_info` with this version, and what the system says of the process
    /// (`process_resident_memory_bytes`, `process_open_fds`, `process_cpu_seconds_total`; on Linux).
    #[must_use]
    pub fn of_process(version: &'static str) -> Self {
        let mut registry = Registry::default();
        registry.register("bojagi_build", "Which build this is", Info::new([("version", version)]));
        registry.register_collector(Box::new(Process));
        Self { registry: Arc::new(RwLock::new(registry)) }
    }

    /// Lets a component add what it counts.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.write());
    }

    /// Everything as it is now.
    ///
    /// # Errors
    /// When a collector fails to write; none of ours does.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode_registry(&mut text, &self.registry.read())?;
        text::encode_registry(&mut text, &OF_ALL.read())?;
        text::encode_eof(&mut text)?;
        Ok(text)
    }
}

/// The name of a status code as the gRPC documentation writes it.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[test]
    fn what_was_registered_is_shown_beside_the_process() {
        let metrics = Metrics::of_process("1.2.3");
        let parcels = Counter::<u64>::default();
        metrics.register(|registry| registry.register("parcels", "Parcels wrapped", parcels.clone()));
        parcels.inc_by(3);

        let text = metrics.text().unwrap();
        assert!(text.contains("bojagi_build_info{version=\"1.2.3\"} 1\n"), "{text}");
        assert!(text.contains("\nparcels_total 3\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_has_memory_and_files_and_has_used_the_processor() {
        let text = Metrics::of_process("1.2.3").text().unwrap();
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).expect(name);
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_cpu_seconds_total") >= 0.0);
    }
}
