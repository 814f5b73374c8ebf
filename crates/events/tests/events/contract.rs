//! The contract: what holds whatever carries the facts. Written once, run over the embedded log, over librdkafka's mock
//! cluster, and over the broker that `BOJAGI_TEST_KAFKA` names.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bojagi_events::SetAsideState::{Parked, Retrying};
use bojagi_kernel::Clock;
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Error, Tx};
use bojagi_telemetry::TraceContext;

use crate::facts::{Ignored, Noted};
use crate::stage::{PANICS, Stage, until};
use crate::ways::Way;

macro_rules! contract {
    ($($clause:ident),+ $(,)?) => {
        mod embedded_log {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $clause() {
                super::$clause(super::Stage::over(super::Way::Embedded).await).await;
            })+
        }

        mod mock_cluster {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $clause() {
                super::$clause(super::Stage::over(super::Way::mock()).await).await;
            })+
        }

        mod real_broker {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $clause() {
                if let Some(broker) = super::Way::broker() {
                    super::$clause(super::Stage::over(broker).await).await;
                }
            })+
        }
    };
}

contract![
    facts_are_heard_once_and_in_the_order_of_their_aggregate,
    what_comes_twice_has_one_effect,
    what_was_killed_goes_on_where_it_was,
    what_fails_is_set_aside_with_what_follows_and_the_rest_flows_on,
    what_panics_is_set_aside_and_the_rest_flows_on,
    r13_what_keeps_failing_is_parked_until_it_is_replayed,
    r13_while_the_hearers_database_is_down_nothing_is_lost,
    r12_what_was_told_while_the_way_was_cut_is_heard_after_it_was_mended,
    two_contexts_may_tell_about_the_same_aggregate,
    a_fact_stays_in_its_trace_also_when_it_is_set_aside,
];

async fn facts_are_heard_once_and_in_the_order_of_their_aggregate(stage: Stage) {
    let running = stage.start();
    let aggregates: Vec<_> = (0..5).map(|_| Uuid::now_v7()).collect();
    for number in 0..60 {
        for aggregate in &aggregates {
            stage.tell(*aggregate, number).await;
            stage.tell_fact(&stage.teller, *aggregate, Ignored { number }).await;
        }
    }
    until("all are heard", async || stage.heard().await.len() == 300).await;
    for aggregate in &aggregates {
        assert_eq!(stage.heard_of(*aggregate).await, (0..60).collect::<Vec<_>>());
    }
    running.stop().await;
    assert_eq!(stage.set_aside().await, []);
}

async fn what_comes_twice_has_one_effect(stage: Stage) {
    let (aggregate, last) = (Uuid::now_v7(), Uuid::now_v7());
    stage.broken.store(true, Ordering::SeqCst);
    for number in [1, 2, -3, 4] {
        stage.tell(aggregate, number).await;
    }
    let running = stage.start();
    until("one fails", async || stage.set_aside().await.len() == 2).await;
    running.stop().await;

    // As if nobody remembered what was published and what was heard.
    for store in [&stage.teller, &stage.hearer] {
        stage.meddle(store, &["UPDATE consumer_position SET position = 0"]).await;
    }
    stage.tell(last, 5).await;
    let running = stage.start();
    until("everything came again", async || stage.heard_of(last).await == [5]).await;
    assert_eq!(stage.heard_of(aggregate).await, [1, 2], "once each");
    assert_eq!(
        stage.set_aside().await,
        [(3, Retrying, 1), (4, Retrying, 0)],
        "what was set aside is not tried by that"
    );
    running.stop().await;
}

async fn what_was_killed_goes_on_where_it_was(stage: Stage) {
    let aggregate = Uuid::now_v7();
    for round in 0..4 {
        let running = stage.start();
        for number in 0..20 {
            stage.tell(aggregate, round * 20 + number).await;
        }
        if round > 1 {
            until("some are heard", async || stage.heard().await.len() as i64 > (round - 1) * 20).await;
        }
        stage.kill(running).await;
    }
    let running = stage.start();
    until("all are heard", async || stage.heard().await.len() >= 80).await;
    assert_eq!(stage.heard_of(aggregate).await, (0..80).collect::<Vec<_>>());
    running.stop().await;
}

async fn what_fails_is_set_aside_with_what_follows_and_the_rest_flows_on(stage: Stage) {
    stage.broken.store(true, Ordering::SeqCst);
    let running = stage.start();
    let (bad, good) = (Uuid::now_v7(), Uuid::now_v7());
    for number in [1, -2, 3] {
        stage.tell(bad, number).await;
    }
    stage.tell(good, 7).await;
    until("the good one is heard", async || stage.heard_of(good).await == [7]).await;
    until("the one that failed is set aside, and the one behind it", async || {
        stage.set_aside().await == [(2, Retrying, 1), (3, Retrying, 0)]
    })
    .await;
    assert_eq!(stage.heard_of(bad).await, [1], "a failed reaction leaves nothing behind");

    stage.broken.store(false, Ordering::SeqCst);
    stage.clock.advance(Duration::from_secs(1));
    until("both are heard in order", async || stage.heard_of(bad).await == [1, -2, 3]).await;
    until("nothing is left aside", async || stage.set_aside().await.is_empty()).await;
    running.stop().await;
}

async fn what_panics_is_set_aside_and_the_rest_flows_on(stage: Stage) {
    let running = stage.start();
    let (bad, good) = (Uuid::now_v7(), Uuid::now_v7());
    stage.tell(bad, PANICS).await;
    stage.tell(good, 7).await;
    until("it is set aside", async || stage.set_aside().await == [(1, Retrying, 1)]).await;
    until("the good one is heard", async || stage.heard_of(good).await == [7]).await;
    assert_eq!(stage.heard_of(bad).await, [0; 0], "it leaves nothing behind");
    running.stop().await;
}

async fn r13_what_keeps_failing_is_parked_until_it_is_replayed(stage: Stage) {
    stage.broken.store(true, Ordering::SeqCst);
    let running = stage.start();
    let aggregate = Uuid::now_v7();
    stage.tell(aggregate, -1).await;
    until("it is parked", async || {
        stage.clock.advance(Duration::from_secs(30));
        stage.set_aside().await == [(1, Parked, bojagi_events::MAX_ATTEMPTS)]
    })
    .await;

    stage.broken.store(false, Ordering::SeqCst);
    let now = stage.clock.now();
    let replayed: Result<_, Error> = stage
        .hearer
        .write(async move |tx: &mut Tx| {
            let parked = bojagi_events::list(tx, "hearer", Some(Parked), None, 10).await?;
            bojagi_events::replay(tx, "hearer", parked[0].event.id, now).await
        })
        .await;
    assert_eq!(replayed.unwrap().unwrap().1, 0);
    until("it is heard", async || stage.heard_of(aggregate).await == [-1]).await;
    running.stop().await;
}

async fn r13_while_the_hearers_database_is_down_nothing_is_lost(stage: Stage) {
    let running = stage.start();
    let aggregate = Uuid::now_v7();
    stage.tell(aggregate, 0).await;
    until("the first is heard", async || stage.heard_of(aggregate).await == [0]).await;

    // Neither the effect nor the note that it failed can be written.
    let away = &["ALTER TABLE inbox_sequence RENAME TO away_1", "ALTER TABLE set_aside RENAME TO away_2"];
    stage.meddle(&stage.hearer, away).await;
    for number in 1..50 {
        stage.tell(aggregate, number).await;
    }
    stage.kill(running).await;
    let running = stage.start();
    let back = &["ALTER TABLE away_1 RENAME TO inbox_sequence", "ALTER TABLE away_2 RENAME TO set_aside"];
    stage.meddle(&stage.hearer, back).await;
    until("all are heard", async || stage.heard().await.len() == 50).await;
    assert_eq!(stage.heard_of(aggregate).await, (0..50).collect::<Vec<_>>());
    running.stop().await;
}

async fn r12_what_was_told_while_the_way_was_cut_is_heard_after_it_was_mended(stage: Stage) {
    let running = stage.start();
    let aggregates: Vec<_> = (0..4).map(|_| Uuid::now_v7()).collect();
    for aggregate in &aggregates {
        stage.tell(*aggregate, 0).await;
    }
    until("the first are heard", async || stage.heard().await.len() == 4).await;

    stage.way.cut();
    for number in 1..40 {
        for aggregate in &aggregates {
            stage.tell(*aggregate, number).await;
        }
    }
    stage.way.mend();
    until("the others are heard", async || stage.heard().await.len() >= 160).await;
    for aggregate in &aggregates {
        assert_eq!(stage.heard_of(*aggregate).await, (0..40).collect::<Vec<_>>(), "in order and once");
    }
    running.stop().await;
}

async fn two_contexts_may_tell_about_the_same_aggregate(stage: Stage) {
    let running = stage.start();
    let aggregate = Uuid::now_v7();
    stage.tell(aggregate, 1).await;
    stage.tell_fact(&stage.other, aggregate, Noted { number: 2 }).await;
    until("both are heard", async || {
        let mut heard = stage.heard_of(aggregate).await;
        heard.sort_unstable();
        heard == [1, 2]
    })
    .await;
    running.stop().await;
}

async fn a_fact_stays_in_its_trace_also_when_it_is_set_aside(stage: Stage) {
    stage.broken.store(true, Ordering::SeqCst);
    let told_in = TraceContext::root();
    told_in.clone().with_tracestate("vendor=abc").scope(stage.tell(Uuid::now_v7(), -1)).await;
    let running = stage.start();
    until("it is set aside", async || !stage.set_aside().await.is_empty()).await;
    running.stop().await;

    let set_aside: Result<_, Error> =
        stage.hearer.read(async |tx: &mut Tx| bojagi_events::list(tx, "", None, None, 1).await).await;
    let trace = set_aside.unwrap().remove(0).event.trace.unwrap();
    assert_eq!((trace.trace_id(), trace.tracestate()), (told_in.trace_id(), Some("vendor=abc")));
}
