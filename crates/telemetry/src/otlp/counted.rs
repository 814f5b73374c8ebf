//! What becomes of spans, counted: what is lost is lost in silence, but not unnoticed.

use std::sync::LazyLock;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::metrics;

/// Why a span did not reach a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The queue was full, mostly because the collector is slow or away.
    NoRoom,
    /// The collector did not want it.
    Refused,
    /// The process ended before the collector took it.
    Ended,
}

impl Lost {
    const ALL: [Self; 3] = [Self::NoRoom, Self::Refused, Self::Ended];

    const fn name(self) -> &'static str {
        match self {
            Self::NoRoom => "no_room",
            Self::Refused => "refused",
            Self::Ended => "ended",
        }
    }
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

struct Counters {
    exported: Counter,
    lost: [Counter; Lost::ALL.len()],
}

static COUNTERS: LazyLock<Counters> = LazyLock::new(|| {
    let (exported, lost) = (Counter::default(), Family::<Reason, Counter>::default());
    metrics::add(|registry| {
        let registry = registry.sub_registry_with_prefix("bojagi_telemetry");
        registry.register("spans_exported", "Spans that a collector has taken", exported.clone());
        registry.register("spans_lost", "Spans that no collector has taken, by reason", lost.clone());
    });
    Counters { exported, lost: Lost::ALL.map(|reason| lost.get_or_create_owned(&Reason { reason: reason.name() })) }
});

/// Shows the counters from the beginning.
pub(crate) fn show() {
    LazyLock::force(&COUNTERS);
}

pub(crate) fn exported(spans: u64) {
    COUNTERS.exported.inc_by(spans);
}

pub(crate) fn lost(reason: Lost, spans: u64) {
    COUNTERS.lost[reason as usize].inc_by(spans);
}

/// All that were lost so far.
pub(crate) fn all_lost() -> u64 {
    COUNTERS.lost.iter().map(Counter::get).sum()
}
