//! Delivering events: again and again until they are taken, as providers do.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::provider::SignedEvent;

/// How often an event is offered.
const OFFERS: u32 = 5;
/// The pause after the first refusal; it doubles after each.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Offers each event to `take` until it answers true, a few times at most, until `stop` is cancelled.
pub async fn deliver(
    mut events: mpsc::Receiver<SignedEvent>,
    stop: CancellationToken,
    take: impl AsyncFn(SignedEvent) -> bool,
) {
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            event = events.recv() => event,
        };
        let Some(event) = event else { return };
        let offered = offer(event, &take);
        tokio::select! {
            () = stop.cancelled() => return,
            () = offered => {}
        }
    }
}

async fn offer(event: SignedEvent, take: &impl AsyncFn(SignedEvent) -> bool) {
    let mut pause = FIRST_PAUSE;
    for _ in 0..OFFERS {
        if take(event.clone()).await {
            return;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    tracing::warn!("an event of the simulated payment provider was never taken");
}
