//! What order counts: how orders are decided and how long that takes, and the sagas that are under way.

use std::sync::LazyLock;
use std::time::Duration;

use bojagi_chassis::tasks;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, Tx};
use bojagi_telemetry::metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

use crate::domain::{Life, Order, SagaState};
use crate::orders::Orders;
use crate::store;

/// How often the sagas under way are counted.
const PAUSE: Duration = Duration::from_secs(5);
/// The upper bounds of the classes of the time that it takes to decide an order, in seconds.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 600.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

struct Families {
    decided: Family<OfOutcome, Histogram>,
    sagas: Family<OfState, Gauge>,
    oldest: Family<OfState, Gauge>,
}

static FAMILIES: LazyLock<Families> = LazyLock::new(|| {
    let families = Families {
        decided: Family::new_with_constructor(|| Histogram::new(SECONDS)),
        sagas: Family::default(),
        oldest: Family::default(),
    };
    metrics::add(|registry| {
        let help = "How long it took from placing an order until it was confirmed or had failed";
        registry.register_with_unit("bojagi_order_decision", help, Unit::Seconds, families.decided.clone());
        let help = "Sagas that are under way (running), or wait for an operator (parked)";
        registry.register("bojagi_sagas", help, families.sagas.clone());
        let help = "How long ago the oldest order was placed, or its oldest refund on its way approved, whose saga is in this state";
        registry.register_with_unit("bojagi_saga_oldest_age", help, Unit::Seconds, families.oldest.clone());
    });
    for outcome in [Life::Confirmed, Life::Failed] {
        drop(families.decided.get_or_create(&OfOutcome { outcome: word(outcome) }));
    }
    families
});

/// The outcome of an order as a label.
const fn word(life: Life) -> &'static str {
    match life {
        Life::Failed | Life::Cancelled => "failed",
        Life::Pending => "pending",
        Life::Confirmed | Life::Completed | Life::Cancelling => "confirmed",
    }
}

/// An order that was PENDING is stored as something else.
pub(crate) fn decided(order: &Order, now: Moment) {
    let took = now.since(order.created_at).as_secs_f64();
    FAMILIES.decided.get_or_create(&OfOutcome { outcome: word(order.life) }).observe(took);
}

/// Counts the sagas under way now and then, until the process is to end.
pub(crate) async fn count_sagas(orders: Orders) {
    let stop = orders.context.stop.clone();
    tasks::every("counting sagas", PAUSE, stop, move || count(orders.clone())).await;
}

async fn count(orders: Orders) -> Result<(), Failure> {
    let open = orders.context.store.read(async |tx: &mut Tx| store::open_sagas(tx).await).await;
    let open = open.map_err(|error: Error| Failure::from(error))?;
    for (state, name) in [(SagaState::Running, "running"), (SagaState::Parked, "parked")] {
        let found = open.iter().find(|(counted, ..)| *counted == state);
        let age = |since: Moment| orders.now().since(since).as_secs();
        let (sagas, age) = found.map_or((0, 0), |(_, sagas, oldest)| (*sagas, oldest.map_or(0, age)));
        FAMILIES.sagas.get_or_create(&OfState { state: name }).set(sagas);
        FAMILIES.oldest.get_or_create(&OfState { state: name }).set(i64::try_from(age).unwrap_or(i64::MAX));
    }
    Ok(())
}
