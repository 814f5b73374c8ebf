//! The stream of revocations.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::Failure;
use bojagi_store::{Store, Tx};
use futures::Stream;
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;
use crate::store::revocations::{self, Revocation};

/// Revocations read at once.
const BATCH: i64 = 500;
/// How often the table is looked at when nobody wakes the watcher: another instance, or the command line, may have written.
const LOOK: Duration = Duration::from_millis(500);
/// After how many looks without news the watcher is sent a sign of life.
const LOOKS_A_SIGN: u32 = 20;

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
pub(crate) async fn knows(store: &Store, position: i64) -> Result<bool, Failure> {
    let last = store.read(async move |tx: &mut Tx| revocations::last(tx).await).await.map_err(Failure::from)?;
    Ok((0..=last).contains(&position))
}

/// What came after `position`, and then what comes, until `stop` is cancelled.
pub(crate) fn watch(
    shared: Arc<Shared>,
    position: i64,
    stop: CancellationToken,
) -> impl Stream<Item = Result<News, Failure>> {
    async_stream::try_stream! {
        let mut announcements = shared.store.announcements();
        let mut position = position;
        let mut quiet_looks = LOOKS_A_SIGN;
        while !stop.is_cancelled() {
            announcements.mark_unchanged();
            let now = shared.now();
            let reading = shared.store.read(async move |tx: &mut Tx| revocations::after(tx, position, now, BATCH).await);
            let batch = reading.await.map_err(Failure::from)?;
            let more = batch.len() as i64 == BATCH;
            for revocation in batch {
                position = revocation.position;
                quiet_looks = LOOKS_A_SIGN;
                yield News::Revoked(revocation);
            }
            if more {
                continue;
            }
            if quiet_looks >= LOOKS_A_SIGN {
                quiet_looks = 0;
                yield News::UpToDate(position);
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = announcements.changed() => {}
                () = tokio::time::sleep(LOOK) => quiet_looks += 1,
            }
        }
    }
}
