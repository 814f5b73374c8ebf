//! What only the embedded log has: it is pruned, and it holds what was committed.

use std::time::Duration;

use bojagi_events::EmbeddedLog;
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Clock, Moment};
use bojagi_store::{Error, Tx};

use crate::facts::Counted;
use crate::stage::{Stage, TOPIC};
use crate::ways::Way;

#[tokio::test]
async fn a_fact_whose_unit_fails_is_not_told() {
    let stage = Stage::over(Way::Embedded).await;
    let aggregate = Uuid::now_v7();
    let failed: Result<(), Error> = stage
        .teller
        .write(async move |tx: &mut Tx| {
            bojagi_events::tell(tx, aggregate, &Counted { number: 1 }, Moment::from_micros(0)).await?;
            Err(Error::NoRow)
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(EmbeddedLog::new(TOPIC, stage.teller.clone()).end().await.unwrap(), 0);
}

#[tokio::test]
async fn the_log_is_pruned_below_its_slowest_group_only() {
    let stage = Stage::over(Way::Embedded).await;
    for number in 0..10 {
        stage.tell(Uuid::now_v7(), number).await;
    }
    let later = stage.clock.now() + Duration::from_secs(8 * 24 * 60 * 60);
    let pruned: Result<u64, Error> =
        stage.teller.write(async move |tx: &mut Tx| bojagi_events::prune(tx, 6, later, 100).await).await;
    assert_eq!(pruned.unwrap(), 6);
}
