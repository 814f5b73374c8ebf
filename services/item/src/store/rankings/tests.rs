use std::time::Duration;

use bojagi_testkit::{Explain, Rig};

use super::*;
use crate::{MIGRATIONS, NAME};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_claim_is_one_process_s_until_it_lapses_and_then_the_first_one_writes_nothing_any_more() {
    let rig = Rig::new();
    let store = rig.context(NAME, MIGRATIONS).await.store;
    let now = Moment::from_micros(1_000_000_000);
    let due = now - MINUTE;
    let kind = RankingKind::Popular;
    let outcome: Result<(), Error> = store
        .write(async move |tx: &mut Tx| {
            let first = claim(tx, kind, due, (now, now + MINUTE)).await?.unwrap();
            assert_eq!(claim(tx, kind, due, (now, now + MINUTE)).await?, None, "somebody is about it");
            assert!(renew(tx, Claim { until: now + 2 * MINUTE, ..first }).await?);
            let later = now + MINUTE;
            assert_eq!(claim(tx, kind, due, (later, later + MINUTE)).await?, None, "the claim was renewed");
            assert!(claim(tx, RankingKind::Trending, due, (now, later)).await?.is_some(), "the other is free");

            let later = now + 2 * MINUTE;
            let second = claim(tx, kind, due, (later, later + MINUTE)).await?.unwrap();
            assert!(!renew(tx, Claim { until: later + MINUTE, ..first }).await?);
            let places = [(3, vec![(ItemId::generate(), 5)])];
            assert!(!complete(tx, first, &places, Computed { due, at: later }).await?);
            assert_eq!(computed(tx, kind).await?, None);
            let refused = claim(tx, kind, due, (later, later + MINUTE)).await?;
            assert_eq!(refused, None, "the second is about it, whatever the first has tried");

            assert!(complete(tx, second, &places, Computed { due, at: later }).await?);
            assert_eq!(computed(tx, kind).await?, Some(Computed { due, at: later }));
            assert_eq!(claim(tx, kind, due, (later, later + MINUTE)).await?, None, "it is done");
            assert!(claim(tx, kind, due + MINUTE, (later, later + MINUTE)).await?.is_some(), "the next one is free");
            Ok(())
        })
        .await;
    outcome.unwrap();
}

#[tokio::test]
async fn places_are_read_in_their_order_and_figures_by_their_index() {
    let rig = Rig::new();
    let store = rig.context(NAME, MIGRATIONS).await.store;
    let explain = Explain::on(&store);
    let plans: Result<_, Error> = store
        .write(async move |tx: &mut Tx| {
            let places = explain.plan(tx, PLACES, params![RankingKind::Popular, 3_i64, 5_i64]).await?;
            Ok((places, explain.plan(tx, RECENTLY_SOLD, &[]).await?))
        })
        .await;
    let (places, figures) = plans.unwrap();
    let walks = ["PRIMARY KEY (kind=? AND days=?)", "ranked_item_pkey"];
    assert!(walks.iter().any(|walk| places.contains(walk)), "{places}");
    for sorts in ["TEMP B-TREE", "Sort"] {
        assert!(!places.contains(sorts), "{places}");
    }
    // Of the indexes with figures a server that knows of no rows takes any.
    assert!(figures.contains("_popular"), "{figures}");
}
