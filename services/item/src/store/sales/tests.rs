use bojagi_kernel::Moment;
use bojagi_testkit::{Explain, Rig};

use super::*;
use crate::{MIGRATIONS, NAME};

#[tokio::test]
async fn sales_are_found_by_their_moment_and_read_by_their_order() {
    let rig = Rig::new();
    let store = rig.context(NAME, MIGRATIONS).await.store;
    let explain = Explain::on(&store);
    let plan: Result<String, Error> = store
        .read(async move |tx: &mut Tx| {
            let epoch = Moment::from_micros(0);
            explain.plan(tx, SOLD, params![epoch, epoch]).await
        })
        .await;
    let plan = plan.unwrap();
    assert!(plan.contains("hold_sold"), "{plan}");
    // Neither all lines nor all items are read.
    for whole in ["SCAN l", "SCAN i", "Seq Scan"] {
        assert!(!plan.contains(whole), "{whole}:\n{plan}");
    }
}
