//! The stream of revocations.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::{Clock, Failure};
use bojagi_store::{Store, Tx};
use futures::Stream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;
use crate::store::revocations::{self, Revocation};

/// Revocations read at once.
const BATCH: i64 = 500;
/// How often the table is looked at when nobody wakes the watcher: another instance, or the command line, may have written.
const LOOK: Duration = Duration::from_millis(500);
/// After how long without news the watcher is sent a sign of life. Who hears nothing for longer than twice this may take the
/// stream for dead.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// What the watcher is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// A revocation.
    Revoked(Revocation),
    /// Everything up to this position was sent.
    UpToDate(i64),
}

/// Whether a position is one that was given out. One from the future comes from another database: the watcher has to begin
/// again.
///
/// # Errors
/// What the store says.
pub(crate) async fn knows(shared: &Shared, position: i64) -> Result<bool, Failure> {
    let last = shared.read(async |tx: &mut Tx| revocations::last(tx).await).await?;
    Ok((0..=last).contains(&position))
}

/// What came after `position`, and then what comes, until `stop` is cancelled; with a sign of life after `quiet` without news.
pub(crate) fn watch(
    store: Store,
    clock: Arc<dyn Clock>,
    position: i64,
    quiet: Duration,
    stop: CancellationToken,
) -> impl Stream<Item = Result<News, Failure>> {
    async_stream::try_stream! {
        let mut announcements = store.announcements();
        let mut position = position;
        // By the clock, not by looks that found nothing: while the store is busy each look is cut short.
        let mut sign_due = Instant::now();
        while !stop.is_cancelled() {
            announcements.mark_unchanged();
            let now = clock.now();
            let reading = store.read(async move |tx: &mut Tx| revocations::after(tx, position, now, BATCH).await);
            let batch = reading.await.map_err(Failure::from)?;
            let more = batch.len() as i64 == BATCH;
            for revocation in batch {
                position = revocation.position;
                sign_due = Instant::now();
                yield News::Revoked(revocation);
            }
            if more {
                continue;
            }
            if Instant::now() >= sign_due {
                sign_due = Instant::now() + quiet;
                yield News::UpToDate(position);
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = announcements.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bojagi_kernel::{ManualClock, Moment};
    use bojagi_testkit::Place;
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_busy_store_keeps_no_sign_of_life_back() {
        let place = Place::as_configured();
        let clock = Arc::new(ManualClock::at(Moment::from_micros(1_772_420_400_000_000)));
        let store = Store::open(&place.store("user"), crate::MIGRATIONS, clock.as_ref()).await.unwrap();
        let watched = watch(store.clone(), clock, 0, Duration::from_millis(20), CancellationToken::new());
        let busy = async {
            loop {
                let announcing = async |tx: &mut Tx| {
                    tx.announce();
                    tx.execute("UPDATE job SET done_for = done_for", &[]).await
                };
                store.write(announcing).await.unwrap();
            }
        };
        let signs = async {
            tokio::select! {
                signs = watched.take(3).map(Result::unwrap).collect::<Vec<_>>() => signs,
                () = busy => Vec::new(),
            }
        };
        let signs = tokio::time::timeout(Duration::from_secs(10), signs).await.unwrap();
        assert_eq!(signs, [News::UpToDate(0); 3]);
    }
}
