//! Forgetting facts that every group has heard: the outboxes are the log of the mesh, and would grow for ever.

use std::sync::Arc;
use std::time::Duration;

use bojagi_events::EmbeddedLog;
use bojagi_kernel::{Clock, Failure};
use bojagi_store::{Error, Store, Tx};
use tokio_util::sync::CancellationToken;

const PAUSE: Duration = Duration::from_secs(600);
/// Facts forgotten in one unit of work at most.
const BATCH: i64 = 1_000;

/// One group that follows a topic, and where its position is kept.
#[derive(Clone)]
pub(crate) struct Follower {
    pub(crate) group: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) store: Store,
}

/// Prunes the logs until `stop` is cancelled.
pub(crate) async fn prune_until_stopped(
    logs: Vec<(EmbeddedLog, Store)>,
    followers: Vec<Follower>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        for (log, store) in &logs {
            if let Err(failure) = prune(log, store, &followers, clock.as_ref()).await {
                tracing::warn!(topic = log.topic(), %failure, "a log could not be pruned; it is tried again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn prune(log: &EmbeddedLog, store: &Store, followers: &[Follower], clock: &dyn Clock) -> Result<(), Failure> {
    let mut slowest = log.end().await?;
    for follower in followers.iter().filter(|follower| follower.topic == log.topic()) {
        let (group, topic) = (follower.group, follower.topic);
        let reached: Result<i64, Error> =
            follower.store.read(async move |tx: &mut Tx| bojagi_events::position(tx, group, topic).await).await;
        slowest = slowest.min(reached?);
    }
    loop {
        let now = clock.now();
        let forgotten: Result<u64, Error> =
            store.write(async move |tx: &mut Tx| bojagi_events::prune(tx, slowest, now, BATCH).await).await;
        if forgotten? < BATCH.unsigned_abs() {
            return Ok(());
        }
    }
}
