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
    /// Tells a fact about an aggregate.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn tell<M>(&self, aggregate_id: Uuid, fact: &M)
    where
        M: prost::Message + prost::Name + Clone + 'static,
    {
        let (fact, now) = (fact.clone(), self.clock.now());
        let told: Result<_, Error> =
            self.store.write(async move |tx: &mut Tx| bojagi_events::tell(tx, aggregate_id, &fact, now).await).await;
        told.unwrap();
    }

    pub(crate) fn log(&self) -> EmbeddedLog {
        EmbeddedLog::new(self.topic, self.store.clone())
    }
}
