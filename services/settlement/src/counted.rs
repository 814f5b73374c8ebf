//! What settlement counts: whether the books balance, and whether the daily close is missing.

use std::sync::LazyLock;
use std::time::Duration;

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, Tx};
use bojagi_telemetry::metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

use crate::store;

/// How often the ledger is added up, which reads all of it.
const PAUSE: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfCurrency {
    currency: String,
}

#[derive(Default)]
struct Gauges {
    imbalance: Family<OfCurrency, Gauge>,
    added_up: Gauge,
    overdue: Gauge,
    last_close: Gauge,
}

static GAUGES: LazyLock<Gauges> = LazyLock::new(|| {
    let gauges = Gauges::default();
    metrics::add(|registry| {
        let help = "The sum over all postings of a currency in minor units, which has to be 0";
        registry.register("bojagi_ledger_imbalance", help, gauges.imbalance.clone());
        let help = "When the ledger was added up last, since 1970: until it first was, when that was first tried";
        registry.register_with_unit("bojagi_ledger_added_up_timestamp", help, Unit::Seconds, gauges.added_up.clone());
        let registry = registry.sub_registry_with_prefix("bojagi_daily_close");
        let help = "How long ago the daily close was due that is missing; 0 when none is";
        registry.register_with_unit("overdue", help, Unit::Seconds, gauges.overdue.clone());
        let help = "Up to when the last daily close has taken what was booked, since 1970; 0 before the first";
        registry.register_with_unit("last_timestamp", help, Unit::Seconds, gauges.last_close.clone());
    });
    gauges
});

/// Notes whether a close is missing, and up to when the last one went.
pub(crate) fn closes(overdue: Option<Moment>, last: Option<Moment>, now: Moment) {
    let overdue = overdue.map_or(0, |due| now.since(due).as_secs());
    GAUGES.overdue.set(i64::try_from(overdue).unwrap_or(i64::MAX));
    GAUGES.last_close.set(last.map_or(0, Moment::seconds));
}

/// Adds the ledger up now and then, until the process is to end. While that fails, what was found last stays, and grows old.
pub(crate) async fn add_up(context: Context) {
    let stop = context.stop.clone();
    GAUGES.added_up.set(context.clock.now().seconds());
    tasks::every("adding up the ledger", PAUSE, stop, move || add_up_once(context.clone())).await;
}

async fn add_up_once(context: Context) -> Result<(), Failure> {
    let sums: Result<Vec<(String, i64)>, Error> =
        context.store.read(async |tx: &mut Tx| store::imbalances(tx).await).await;
    for (currency, sum) in sums.map_err(Failure::from)? {
        if sum != 0 {
            tracing::error!(currency, sum, "the ledger does not balance");
        }
        GAUGES.imbalance.get_or_create(&OfCurrency { currency }).set(sum);
    }
    GAUGES.added_up.set(context.clock.now().seconds());
    Ok(())
}

#[cfg(test)]
mod tests {
    use bojagi_kernel::Clock;
    use bojagi_testkit::Rig;

    use super::*;

    #[tokio::test]
    async fn it_is_known_when_the_ledger_was_added_up_last() {
        let rig = Rig::new();
        let context = rig.context(crate::NAME, crate::MIGRATIONS).await;
        add_up_once(context).await.unwrap();
        let added_up = rig.clock.now().seconds();
        assert_eq!(GAUGES.added_up.get(), added_up);

        rig.clock.advance(PAUSE);
        let without_ledger = rig.context("nothing", &[]).await;
        add_up_once(without_ledger).await.unwrap_err();
        assert_eq!(GAUGES.added_up.get(), added_up);
    }
}
