use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bojagi_kernel::Clock;
use bojagi_store::params;
use bojagi_testkit::Rig;
use futures::future::join_all;

use super::*;
use crate::{MIGRATIONS, NAME};

/// How often somebody began to compute a ranking.
async fn begun(context: &Context, kind: RankingKind) -> i64 {
    let unit = async move |tx: &mut Tx| tx.fetch_one("SELECT epoch FROM ranking WHERE kind = ?1", params![kind]).await;
    let (epoch,) = context.store.read(unit).await.map_err(|error: Error| error).unwrap();
    epoch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_look_at_once_one_computes() {
    let rig = Rig::new();
    let here = rig.context(NAME, MIGRATIONS).await;
    let beside = rig.beside();
    let there = beside.context(NAME, MIGRATIONS).await;
    for round in 1..=3 {
        let due = hour_after(rig.clock.now(), round);
        let looks = (0..8).map(|number| {
            let context = if number % 2 == 0 { here.clone() } else { there.clone() };
            tokio::spawn(async move {
                rank_popular(&context, due).await.unwrap();
                rank_trending(&context, due).await.unwrap();
            })
        });
        join_all(looks).await.into_iter().for_each(Result::unwrap);
        for kind in [RankingKind::Popular, RankingKind::Trending] {
            assert_eq!(last_due(&there, kind).await.unwrap(), Some(due));
            assert_eq!(begun(&here, kind).await, round);
        }
    }
}

/// A clock that goes on by some seconds whenever somebody looks at it.
struct Looked {
    clock: Arc<dyn Clock>,
    looks: AtomicU32,
}

impl Clock for Looked {
    fn now(&self) -> Moment {
        self.clock.now() + Duration::from_secs(7) * self.looks.fetch_add(1, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn the_claim_is_looked_after_whenever_an_hour_has_been_read() {
    let rig = Rig::new();
    let context = rig.context(NAME, MIGRATIONS).await;
    let due = hour_after(rig.clock.now(), 1);
    for (kind, hours) in [(RankingKind::Popular, 30 * 24), (RankingKind::Trending, 72)] {
        let clock = Arc::new(Looked { clock: Arc::clone(&context.clock), looks: AtomicU32::new(0) });
        let slow = Context { clock: Arc::<Looked>::clone(&clock), ..context.clone() };
        match kind {
            RankingKind::Popular => rank_popular(&slow, due).await.unwrap(),
            RankingKind::Trending => rank_trending(&slow, due).await.unwrap(),
        }
        assert_eq!(last_due(&context, kind).await.unwrap(), Some(due));
        assert_eq!(begun(&context, kind).await, 1);
        // At the beginning, after each hour, and at the end.
        assert_eq!(clock.looks.load(Ordering::SeqCst), hours + 2, "{kind:?}");
    }
}

#[tokio::test]
async fn who_has_lost_the_claim_on_the_way_writes_nothing() {
    let rig = Rig::new();
    let context = rig.context(NAME, MIGRATIONS).await;
    let due = hour_after(rig.clock.now(), 1);
    let mut claim = begin(&context, RankingKind::Trending, due).await.unwrap().unwrap();
    rig.clock.advance(CLAIMED_FOR);
    let other = begin(&context, RankingKind::Trending, due).await.unwrap().unwrap();
    compute_trending(&context, &mut claim, due).await.unwrap();
    assert_eq!(last_due(&context, RankingKind::Trending).await.unwrap(), None);
    complete(&context, other, Vec::new(), due).await.unwrap();
    assert_eq!(last_due(&context, RankingKind::Trending).await.unwrap(), Some(due));
}

fn hour_after(now: Moment, hours: i64) -> Moment {
    now + Duration::from_secs(3600) * u32::try_from(hours).unwrap()
}
