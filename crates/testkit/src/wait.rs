//! Waiting for what happens by itself, and reading refusals.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tonic::Status;
use tonic_types::StatusExt;

/// How long a condition may take to come true: joining a group at a broker takes seconds, and all takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until `condition` is true.
///
/// # Panics
/// When it is still false after 90 seconds; `what` says what was waited for.
pub async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    // Looks may let time pass in a test; after a pause of the machine they are not made up for.
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition().await {
            look.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain: {what}");
}

/// The reason that a refusal gives, or an empty text.
#[must_use]
pub fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}
