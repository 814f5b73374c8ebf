//! What the clock starts.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::{Clock, Failure, Moment, ShopCalendar};
use tokio_util::sync::CancellationToken;

/// How often a daily task looks whether its hour has come; also the pause after it failed.
const LOOK: Duration = Duration::from_secs(1);

/// Does `work` again and again with `pause` between, until `stop` is cancelled. A failure is logged, and the next round
/// comes all the same.
pub async fn every(
    name: &'static str,
    pause: Duration,
    stop: CancellationToken,
    work: impl AsyncFn() -> Result<(), Failure>,
) {
    loop {
        if let Err(failure) = work().await {
            tracing::error!(task = name, %failure, "a task failed; it is tried again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does `work` each day at `hour` o'clock in the shop, until `stop` is cancelled; `work` is given the moment that was due.
/// What is due is what `last_done` says is not done yet, so that a day that was slept through is caught up once.
pub async fn daily(
    name: &'static str,
    hour: i8,
    clock: Arc<dyn Clock>,
    calendar: ShopCalendar,
    stop: CancellationToken,
    last_done: impl AsyncFn() -> Result<Option<Moment>, Failure>,
    work: impl AsyncFn(Moment) -> Result<(), Failure>,
) {
    loop {
        if let Err(failure) = do_what_is_due(hour, clock.now(), &calendar, &last_done, &work).await {
            tracing::error!(task = name, %failure, "a task failed; it is tried again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn do_what_is_due(
    hour: i8,
    now: Moment,
    calendar: &ShopCalendar,
    last_done: &impl AsyncFn() -> Result<Option<Moment>, Failure>,
    work: &impl AsyncFn(Moment) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(due) = calendar.next_at(now, hour).and_then(|next| last_before(calendar, next, hour)) else {
        return Err(Failure::broken(format!("no day has an hour {hour}")));
    };
    if due <= now && last_done().await?.is_none_or(|done| done < due) {
        work(due).await?;
    }
    Ok(())
}

/// The occurrence of `hour` on the shop's day before the one of `next`.
fn last_before(calendar: &ShopCalendar, next: Moment, hour: i8) -> Option<Moment> {
    calendar.moment_at(calendar.day_of(next).yesterday().ok()?, hour)
}
