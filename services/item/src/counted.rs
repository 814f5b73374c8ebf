//! What item counts: the orders that hold stock and have not ended.

use std::sync::LazyLock;
use std::time::Duration;

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::Failure;
use bojagi_store::{Error, Tx};
use bojagi_telemetry::metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

use crate::store::holds;

/// How often they are counted.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Holds {
    open: Gauge,
    overdue: Gauge,
    oldest: Gauge,
    told_overdue: Counter,
}

static HOLDS: LazyLock<Holds> = LazyLock::new(|| {
    let holds = Holds::default();
    metrics::add(|registry| {
        let registry = registry.sub_registry_with_prefix("bojagi_stock");
        registry.register("holds", "Orders that hold stock and have not ended", holds.open.clone());
        // Not "holds_overdue": that is the family of the counter below.
        let help = "Those of them that were told to be overdue";
        registry.register("overdue_holds", help, holds.overdue.clone());
        let help = "How long the oldest of them has held its stock, of those that are not overdue";
        registry.register_with_unit("hold_oldest_age", help, Unit::Seconds, holds.oldest.clone());
        let help = "Holds that were told to be overdue, whether or not their orders have ended since";
        registry.register("holds_overdue", help, holds.told_overdue.clone());
    });
    holds
});

/// A hold was told to be overdue.
pub(crate) fn overdue() {
    HOLDS.told_overdue.inc();
}

/// Counts holds now and then, until the process is to end.
pub(crate) async fn count_holds(context: Context) {
    let stop = context.stop.clone();
    tasks::every("counting holds", PAUSE, stop, move || count(context.clone())).await;
}

async fn count(context: Context) -> Result<(), Failure> {
    let counted: Result<_, Error> = context.store.read(async |tx: &mut Tx| holds::count_open(tx).await).await;
    let open = counted.map_err(Failure::from)?;
    HOLDS.open.set(open.count);
    HOLDS.overdue.set(open.overdue);
    let age = open.oldest_in_time.map_or(0, |since| context.clock.now().since(since).as_secs());
    HOLDS.oldest.set(i64::try_from(age).unwrap_or(i64::MAX));
    Ok(())
}
