use bojagi_testkit::{Explain, Rig};

use super::*;
use crate::{MIGRATIONS, NAME};

#[tokio::test]
async fn sales_are_found_by_their_moment_and_read_by_their_order() {
    let rig = Rig::new();
    let store = rig.context(NAME, MIGRATIONS).await.store;
    let explain = Explain::on(&store);
    let plans: Result<[String; 2], Error> = store
        .read(async move |tx: &mut Tx| {
            let epoch = Moment::from_micros(0);
            let sold = explain.plan(tx, SOLD, params![epoch, epoch]).await?;
            Ok([sold, explain.plan(tx, LAST, params![epoch, epoch]).await?])
        })
        .await;
    let [sold, last] = plans.unwrap();
    assert!(sold.contains("hold_sold"), "{sold}");
    // Neither all lines nor all items are read.
    for whole in ["SCAN l", "SCAN i", "Seq Scan"] {
        assert!(!sold.contains(whole), "{whole}:\n{sold}");
    }
    assert!(last.contains("hold_sold"), "{last}");
    for sorts in ["TEMP B-TREE", "Sort"] {
        assert!(!last.contains(sorts), "{sorts}:\n{last}");
    }
}
