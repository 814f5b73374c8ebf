//! What the clock starts.

use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::{Failure, Moment, ShopCalendar};
use bojagi_store::{Error, Store, Tx};
use tokio::sync::Notify;

use crate::bank::Bank;
use crate::close_statements::close_day;
use crate::config::Config;
use crate::counted;
use crate::send_payouts::send_due;
use crate::store;

/// How often it is looked whether a close is missing.
const CLOSE_WATCH: Duration = Duration::from_secs(60);
/// How long payouts wait for the bank at most when nobody wakes the task.
const SEND_LOOK: Duration = Duration::from_secs(1);

/// Closes each day at its hour. A day that was slept through is caught up by the next close.
pub(crate) async fn close_days(context: Context, config: Config) {
    let (clock, calendar, stop) = (Arc::clone(&context.clock), context.calendar.clone(), context.stop.clone());
    let store = context.store.clone();
    let last_done = move || last_close(store.clone());
    let work = move |cut_off| close_day(context.clone(), cut_off);
    tasks::daily("close the day", config.close_hour, clock, calendar, stop, last_done, work).await;
}

/// Tells the operator when a close is missing.
pub(crate) async fn watch_closes(context: Context, config: Config) {
    // One that was due while the process was down is caught up at once, so that it is too early to say that it is missing.
    counted::closes(None, None, context.clock.now());
    loop {
        tokio::select! {
            () = context.stop.cancelled() => return,
            () = tokio::time::sleep(CLOSE_WATCH) => {}
        }
        match look_at_closes(&context, &config).await {
            Ok(None) => {}
            Ok(Some(due)) => tracing::error!(%due, "the daily close is missing: statements and payouts wait for it"),
            Err(failure) => tracing::error!(%failure, "it cannot be said whether the daily close is missing"),
        }
    }
}

async fn look_at_closes(context: &Context, config: &Config) -> Result<Option<Moment>, Failure> {
    let overdue = overdue_close(context, config).await?;
    counted::closes(overdue, last_close(context.store.clone()).await?, context.clock.now());
    Ok(overdue)
}

/// The cut-off of the daily close that should be done by now and is not, longer than the configured patience; for metrics
/// and alarms.
///
/// # Errors
/// What the database says.
pub async fn overdue_close(context: &Context, config: &Config) -> Result<Option<Moment>, Failure> {
    let now = context.clock.now();
    let Some(due) = last_due(&context.calendar, now, config.close_hour) else {
        return Err(Failure::broken(format!("no day has an hour {}", config.close_hour)));
    };
    let done = last_close(context.store.clone()).await?.is_some_and(|done| done >= due);
    Ok((!done && now.since(due) > config.close_alarm_after()).then_some(due))
}

/// The last moment, now included, at which the shop's clock showed `hour`.
fn last_due(calendar: &ShopCalendar, now: Moment, hour: i8) -> Option<Moment> {
    let today = calendar.day_of(now);
    let at_hour_today = calendar.moment_at(today, hour)?;
    if at_hour_today <= now {
        return Some(at_hour_today);
    }
    calendar.moment_at(today.yesterday().ok()?, hour)
}

async fn last_close(store: Store) -> Result<Option<Moment>, Failure> {
    store.read(async |tx: &mut Tx| store::last_daily_close(tx).await).await.map_err(|error: Error| error.into())
}

/// Gives payouts to the bank as soon as they are stored, and again when it did not answer.
pub(crate) async fn send_payouts(context: Context, bank: Arc<dyn Bank>, config: Config, stored: Arc<Notify>) {
    while !context.stop.is_cancelled() {
        match send_due(&context, bank.as_ref(), &config).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(failure) => tracing::error!(%failure, "payouts cannot be given to the bank; it is tried again"),
        }
        tokio::select! {
            () = context.stop.cancelled() => return,
            () = stored.notified() => {}
            () = tokio::time::sleep(SEND_LOOK) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_close_due_is_of_today_or_yesterday() {
        let calendar = ShopCalendar::seoul();
        let noon = Moment::from_micros(1_772_420_400_000_000);
        let four = last_due(&calendar, noon, 4).unwrap();
        assert_eq!(noon.since(four), Duration::from_secs(8 * 3600));
        assert_eq!(last_due(&calendar, four, 4), Some(four));
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(last_due(&calendar, four - Duration::from_micros(1), 4), Some(four - day));
        assert_eq!(last_due(&calendar, noon, 24), None);
    }
}
