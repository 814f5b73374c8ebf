//! What the clock starts.

use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Store, Tx, idempotency};
use parking_lot::Mutex;

use crate::end_sessions::end_every_session;
use crate::shared::Shared;
use crate::store::{accounts, jobs, links, revocations, sessions};

/// The name under which dormancy keeps what it has done.
const DORMANCY: &str = "dormancy";
/// Rows changed in one unit of work at most, so that callers do not wait behind a job.
const BATCH: i64 = 200;
/// How often old rows are forgotten.
const TIDY: Duration = Duration::from_secs(60);
/// How long a session is remembered after its time, so that ending it late is no mistake.
const SESSIONS_KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often the keys are compared with their schedule.
const KEYS: Duration = Duration::from_secs(60);
/// How often the clock is looked at, which is not always the clock of the machine.
const LOOK: Duration = Duration::from_secs(1);

/// Makes accounts dormant each day that have not been used for long.
pub(crate) async fn make_dormant_daily(shared: Arc<Shared>, context: Context) {
    let hour = shared.config.dormancy_hour;
    let store = shared.store.clone();
    let last_done = move || {
        let store = store.clone();
        async move { last_dormancy(&store).await }
    };
    let work = move |due| {
        let shared = Arc::clone(&shared);
        async move { make_dormant(&shared, due).await }
    };
    tasks::daily(DORMANCY, hour, context.clock, context.calendar, context.stop, last_done, work).await;
}

async fn last_dormancy(store: &Store) -> Result<Option<Moment>, Failure> {
    store.read(async |tx: &mut Tx| Ok(jobs::last_done(tx, DORMANCY).await?)).await
}

async fn make_dormant(shared: &Shared, due: Moment) -> Result<(), Failure> {
    let unused_since = due - shared.config.unused_before_dormant();
    loop {
        let batch = shared.store.write(async move |tx: &mut Tx| {
            let dormant = accounts::make_dormant(tx, unused_since, BATCH).await?;
            for account_id in &dormant {
                end_every_session(tx, *account_id, due).await?;
            }
            if (dormant.len() as i64) < BATCH {
                jobs::note_done(tx, DORMANCY, due).await?;
            }
            Ok::<_, Failure>(dormant.len())
        });
        let count = batch.await?;
        if count > 0 {
            tracing::info!(count, "accounts became dormant");
        }
        if (count as i64) < BATCH {
            return Ok(());
        }
    }
}

/// Keeps the signing keys to their schedule.
pub(crate) async fn maintain_keys(shared: Arc<Shared>, context: Context) {
    let next = Arc::new(Mutex::new(shared.now() + KEYS));
    let look = move || {
        let (shared, next) = (Arc::clone(&shared), Arc::clone(&next));
        async move {
            let now = shared.now();
            if now >= *next.lock() {
                shared.keyring.maintain(now).await?;
                *next.lock() = now + KEYS;
            }
            Ok(())
        }
    };
    tasks::every("signing keys", LOOK, context.stop, look).await;
}

/// Forgets what no longer matters.
pub(crate) async fn tidy_up(shared: Arc<Shared>, context: Context) {
    let tidy = move || {
        let shared = Arc::clone(&shared);
        async move { forget_the_old(&shared.store, shared.now()).await }
    };
    tasks::every("tidying", TIDY, context.stop, tidy).await;
}

async fn forget_the_old(store: &Store, now: Moment) -> Result<(), Failure> {
    loop {
        let forgotten = store.write(async move |tx: &mut Tx| {
            let counts = [
                links::forget(tx, now, BATCH).await?,
                revocations::forget(tx, now, BATCH).await?,
                sessions::forget(tx, now - SESSIONS_KEPT_FOR, BATCH).await?,
                idempotency::forget(tx, now, BATCH).await?,
            ];
            Ok::<_, Failure>(counts.into_iter().max().unwrap_or_default())
        });
        if forgotten.await? < BATCH.unsigned_abs() {
            return Ok(());
        }
    }
}
