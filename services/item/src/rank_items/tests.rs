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

fn hour_after(now: Moment, hours: i64) -> Moment {
    now + Duration::from_secs(3600) * u32::try_from(hours).unwrap()
}
