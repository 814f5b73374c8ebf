//! What item counts: the orders that hold stock and have not ended, and since when the rankings are what they are.

use std::sync::LazyLock;
use std::time::Duration;

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, Tx};
use bojagi_telemetry::metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

use crate::domain::ranking::RankingKind;
use crate::store::{holds, rankings};

/// How often holds are counted.
const PAUSE: Duration = Duration::from_secs(5);
/// How often it is looked when the rankings were computed.
const RANKINGS_LOOK: Duration = Duration::from_secs(60);

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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRanking {
    ranking: &'static str,
}

static RANKINGS: LazyLock<Family<OfRanking, Gauge>> = LazyLock::new(|| {
    let computed: Family<OfRanking, Gauge> = Family::default();
    metrics::add(|registry| {
        let help = "When the ranking that is shown was computed, since 1970: until it first was, when that was first looked for";
        registry.register_with_unit("bojagi_ranking_computed_timestamp", help, Unit::Seconds, computed.clone());
    });
    computed
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

/// Looks now and then when the rankings were computed, until the process is to end.
pub(crate) async fn watch_rankings(context: Context) {
    let (stop, began) = (context.stop.clone(), context.clock.now());
    tasks::every("watching rankings", RANKINGS_LOOK, stop, move || look_at_rankings(context.clone(), began)).await;
}

async fn look_at_rankings(context: Context, began: Moment) -> Result<(), Failure> {
    for kind in [RankingKind::Popular, RankingKind::Trending] {
        let computed: Result<_, Error> =
            context.store.read(async move |tx: &mut Tx| rankings::computed(tx, kind).await).await;
        let at = computed?.map_or(began, |computed| computed.at);
        RANKINGS.get_or_create(&OfRanking { ranking: kind.name() }).set(at.seconds());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bojagi_kernel::Clock;
    use bojagi_testkit::Rig;

    use super::*;
    use crate::rank_items::rank_trending;

    #[tokio::test]
    async fn it_is_known_when_the_rankings_were_computed_last() {
        let rig = Rig::new();
        let context = rig.context(crate::NAME, crate::MIGRATIONS).await;
        let shown = |kind: RankingKind| RANKINGS.get_or_create(&OfRanking { ranking: kind.name() }).get();
        let began = rig.clock.now();
        look_at_rankings(context.clone(), began).await.unwrap();
        assert_eq!([RankingKind::Popular, RankingKind::Trending].map(shown), [began.seconds(); 2]);

        rig.clock.advance(Duration::from_secs(3600));
        let now = rig.clock.now();
        rank_trending(&context, now).await.unwrap();
        look_at_rankings(context, began).await.unwrap();
        assert_eq!(shown(RankingKind::Popular), began.seconds());
        assert_eq!(shown(RankingKind::Trending), now.seconds());
    }
}
