//! What stores count. A store is called by the name of its file or schema.

use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use bojagi_telemetry::metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

/// The upper bounds of the classes of units in one commit.
const UNITS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
/// The upper bounds of the classes of the time that a commit takes, in seconds: mostly that of a flush to the disk.
const SECONDS: [f64; 10] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfStore {
    store: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfQueue {
    queue: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfFact {
    fact: &'static str,
}

struct Families {
    waiting: Family<OfQueue, Gauge>,
    turned_away: Family<OfQueue, Counter>,
    units: Family<OfStore, Histogram>,
    seconds: Family<OfStore, Histogram>,
    failed: Family<OfStore, Counter>,
    journey: Family<OfStore, Gauge<f64, AtomicU64>>,
    facts: Family<OfFact, Counter>,
}

static FAMILIES: LazyLock<Families> = LazyLock::new(|| {
    let families = Families {
        waiting: Family::default(),
        turned_away: Family::default(),
        units: Family::new_with_constructor(|| Histogram::new(UNITS)),
        seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
        failed: Family::default(),
        journey: Family::default(),
        facts: Family::default(),
    };
    metrics::add(|registry| {
        let help = "Facts that were told and committed by this process";
        registry.register("bojagi_facts_told", help, families.facts.clone());
        let registry = registry.sub_registry_with_prefix("bojagi_store");
        registry.register("units_waiting", "Units of work that wait for their turn", families.waiting.clone());
        let help = "Units of work that were refused because too many were waiting";
        registry.register("units_turned_away", help, families.turned_away.clone());
        registry.register("commit_units", "Units of work in one commit", families.units.clone());
        let help = "How long commits took until they were on disk";
        registry.register_with_unit("commit_duration", help, Unit::Seconds, families.seconds.clone());
        let help = "Transactions that were lost or could not be committed, with all units in them";
        registry.register("commits_failed", help, families.failed.clone());
        let help = "The shortest time to a database server and back that was seen on connecting";
        registry.register_with_unit("journey", help, Unit::Seconds, families.journey.clone());
    });
    families
});

/// The commits of one store.
pub(crate) struct Commits {
    units: Histogram,
    seconds: Histogram,
    failed: Counter,
}

impl Commits {
    pub(crate) fn of(store: &str) -> Self {
        let labels = OfStore { store: store.to_owned() };
        Self {
            units: FAMILIES.units.get_or_create_owned(&labels),
            seconds: FAMILIES.seconds.get_or_create_owned(&labels),
            failed: FAMILIES.failed.get_or_create_owned(&labels),
        }
    }

    /// A commit of so many units, begun at a moment, is over.
    pub(crate) fn ended(&self, units: usize, began: Instant, succeeded: bool) {
        self.units.observe(units as f64);
        self.seconds.observe(began.elapsed().as_secs_f64());
        if !succeeded {
            self.failed.inc();
        }
    }

    /// A transaction was lost before it could be committed.
    pub(crate) fn lost(&self) {
        self.failed.inc();
    }
}

/// The server of a store is so far away.
pub(crate) fn journey(store: &str, there_and_back: Duration) {
    FAMILIES.journey.get_or_create_owned(&OfStore { store: store.to_owned() }).set(there_and_back.as_secs_f64());
}

/// Facts are true from now on.
pub(crate) fn told(kinds: impl IntoIterator<Item = &'static str>) {
    for fact in kinds {
        FAMILIES.facts.get_or_create(&OfFact { fact }).inc();
    }
}

/// One queue of units of work.
pub(crate) struct Waiting {
    gauge: Gauge,
    turned_away: Counter,
}

impl Waiting {
    pub(crate) fn in_queue(queue: &str) -> Self {
        let labels = OfQueue { queue: queue.to_owned() };
        Self {
            gauge: FAMILIES.waiting.get_or_create_owned(&labels),
            turned_away: FAMILIES.turned_away.get_or_create_owned(&labels),
        }
    }

    pub(crate) fn one_more(&self) {
        self.gauge.inc();
    }

    pub(crate) fn one_less(&self) {
        self.gauge.dec();
    }

    pub(crate) fn turned_away(&self) {
        self.turned_away.inc();
    }
}
