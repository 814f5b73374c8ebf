//! A context that only tells.

use std::sync::Arc;

use bojagi_events::EmbeddedLog;
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Clock, ManualClock};
use bojagi_store::{Error, Store, Tx};

/// Tells facts as the owner of a topic would.
#[derive(Clone)]
pub struct Publisher {
    pub(crate) topic: &'static str,
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
}

impl Publisher {
    /// Tells a fact about an aggregate; again when the connection to the store broke before it was told.
    ///
    /// # Panics
    /// When the store fails in another way.
    pub async fn tell<M>(&self, aggregate_id: Uuid, fact: &M)
    where
        M: prost::Message + prost::Name + Clone + 'static,
    {
        loop {
            let (fact, now) = (fact.clone(), self.clock.now());
            let told =
                self.store.write(async move |tx: &mut Tx| bojagi_events::tell(tx, aggregate_id, &fact, now).await);
            match told.await {
                Err(Error::NotCommitted(_) | Error::Unreachable(_)) => {}
                told => {
                    told.unwrap();
                    return;
                }
            }
        }
    }

    /// What it tells, for [`Rig::follow`](crate::Rig::follow).
    #[must_use]
    pub fn log(&self) -> EmbeddedLog {
        EmbeddedLog::new(self.topic, self.store.clone())
    }
}
