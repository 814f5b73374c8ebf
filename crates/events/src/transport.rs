//! What carries facts from those who tell them to those who hear them.

use std::future::ready;
use std::sync::Arc;

use bojagi_kernel::Clock;
use bojagi_store::Store;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::{Consumer, EmbeddedLog, watch};

/// What one context tells.
#[derive(Clone)]
pub struct Outbox {
    /// The topic, such as `bojagi.order.v1`.
    pub topic: &'static str,
    /// The store that holds the outbox.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Carries facts. Whatever carries them, a [`Consumer`] applies each once, in the order of its aggregate.
pub trait Transport: Send + Sync {
    /// Carries away what is told, until `stop` is cancelled.
    fn publish(&self, outbox: Outbox, stop: CancellationToken) -> BoxFuture<'static, ()>;

    /// Brings what is told on `topics` to a group, until `stop` is cancelled. A batch that has begun is finished first.
    fn deliver(
        &self,
        consumer: Consumer,
        topics: &'static [&'static str],
        stop: CancellationToken,
    ) -> BoxFuture<'static, ()>;
}

/// The outboxes of one process, which are the logs that its consumers follow: nothing has to be carried away.
pub struct EmbeddedLogs(Vec<EmbeddedLog>);

impl EmbeddedLogs {
    /// The logs that can be followed. A topic that is not among them is never heard.
    #[must_use]
    pub const fn new(logs: Vec<EmbeddedLog>) -> Self {
        Self(logs)
    }
}

impl Transport for EmbeddedLogs {
    fn publish(&self, outbox: Outbox, _: CancellationToken) -> BoxFuture<'static, ()> {
        watch::nothing_to_publish(outbox.topic);
        ready(()).boxed()
    }

    fn deliver(
        &self,
        consumer: Consumer,
        topics: &'static [&'static str],
        stop: CancellationToken,
    ) -> BoxFuture<'static, ()> {
        let followed = self.0.iter().filter(|log| topics.contains(&log.topic())).cloned().collect();
        consumer.follow_logs(followed, stop).boxed()
    }
}
