//! What only the embedded log has: it is pruned, and it holds what was committed.

use std::time::Duration;

use bojagi_events::EmbeddedLog;
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Clock, Moment};
use bojagi_store::{Error, Tx, params};

use crate::facts::Counted;
use crate::stage::{Stage, TOPIC, until};
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
    assert_eq!(prune(&stage, 6, 100).await, 0, "nothing is old");
    stage.clock.advance(8 * DAY);
    assert_eq!(prune(&stage, 6, 4).await, 4);
    assert_eq!(prune(&stage, 6, 100).await, 2);
}

#[tokio::test]
async fn numbers_go_on_from_what_was_pruned() {
    let stage = Stage::over(Way::Embedded).await;
    let (aggregate, other) = (Uuid::now_v7(), Uuid::now_v7());
    for number in 0..3 {
        stage.tell(aggregate, number).await;
    }
    stage.clock.advance(8 * DAY);
    stage.tell(other, 0).await;
    assert_eq!(prune(&stage, 4, 100).await, 3);
    for _ in 0..2 {
        stage.tell(aggregate, 0).await;
    }
    stage.tell(other, 0).await;
    assert_eq!(numbers(&stage, aggregate).await, [4, 5]);
    assert_eq!(numbers(&stage, other).await, [1, 2]);
}

#[tokio::test]
async fn what_was_heard_long_ago_is_forgotten_however_much_it_is() {
    let stage = Stage::over(Way::Embedded).await;
    // More than go into a few units.
    stage
        .meddle(
            &stage.hearer,
            &["INSERT INTO inbox (consumer, event_id, handled_at)
               WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 2000)
               SELECT 'hearer', unhex(printf('%032x', n)), 0 FROM counted"],
        )
        .await;
    stage.clock.advance(8 * DAY);
    let listening = stage.listen();
    until("nothing of it is left", async || {
        let count: Result<(i64,), Error> =
            stage.hearer.read(async |tx: &mut Tx| tx.fetch_one("SELECT count(*) FROM inbox", &[]).await).await;
        count.unwrap() == (0,)
    })
    .await;
    listening.stop().await;
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn prune(stage: &Stage, slowest: i64, limit: i64) -> u64 {
    let now = stage.clock.now();
    let pruned: Result<u64, Error> =
        stage.teller.write(async move |tx: &mut Tx| bojagi_events::prune(tx, slowest, now, limit).await).await;
    pruned.unwrap()
}

async fn numbers(stage: &Stage, aggregate: Uuid) -> Vec<i64> {
    let sql = "SELECT sequence FROM outbox WHERE aggregate_id = ?1 ORDER BY position";
    let rows: Result<Vec<(i64,)>, Error> =
        stage.teller.read(async move |tx: &mut Tx| tx.fetch_all(sql, params![aggregate]).await).await;
    rows.unwrap().into_iter().map(|(number,)| number).collect()
}
