//! Asks to the provider that are going on in this process. Whoever asks for the same thing joins the one that runs. Nothing is
//! right because of it: another process asks by itself, under the same key, and the provider does it once.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;

use crate::domain::ProviderKey;
use crate::settle::Settled;

/// What a flight comes to: what its answer changed, or nothing when the answer could not be stored.
pub(crate) type Landed = Option<Settled>;
/// A flight: whoever awaits it carries it on.
pub(crate) type Flight = Shared<BoxFuture<'static, Landed>>;

/// All flights, by key. A flight lives as long as somebody awaits it.
#[derive(Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<ProviderKey, WeakShared<BoxFuture<'static, Landed>>>>>);

impl Flights {
    /// The flight of a key that is going on, if there is one.
    pub(crate) fn going_on(&self, key: ProviderKey) -> Option<Flight> {
        self.0.lock().get(&key).and_then(WeakShared::upgrade)
    }

    /// The flight of a key that is going on, or a new one that does `work`.
    pub(crate) fn join_or_start(
        &self,
        key: ProviderKey,
        work: impl Future<Output = Landed> + Send + 'static,
    ) -> Flight {
        let mut running = self.0.lock();
        if let Some(flight) = running.get(&key).and_then(WeakShared::upgrade) {
            return flight;
        }
        let flights = Arc::clone(&self.0);
        let flight = async move {
            let landed = work.await;
            // Gone before anybody hears of the landing: who asks then starts a new one.
            flights.lock().remove(&key);
            landed
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            running.insert(key, weak);
        }
        flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ChargeId;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn those_who_come_meanwhile_join_and_those_who_come_later_start_anew() {
        let (flights, key) = (Flights::default(), ProviderKey::Charge(ChargeId::generate()));
        let started = Arc::new(AtomicU32::new(0));
        let begin = || {
            let started = Arc::clone(&started);
            flights.join_or_start(key, async move {
                started.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                None
            })
        };
        futures::future::join_all([begin(), begin(), begin()]).await;
        assert_eq!(started.load(Ordering::SeqCst), 1);
        begin().await;
        assert_eq!(started.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_flight_that_everybody_left_is_started_anew() {
        let (flights, key) = (Flights::default(), ProviderKey::Charge(ChargeId::generate()));
        drop(flights.join_or_start(key, std::future::pending()));
        assert!(flights.join_or_start(key, async { None }).await.is_none());
    }
}
