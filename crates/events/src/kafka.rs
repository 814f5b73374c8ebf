//! Facts over Apache Kafka: a relay publishes each outbox, members of a group listen.

mod aside;
mod config;
mod lanes;
mod lease;
mod listener;
mod member;
mod record;
mod relay;
mod sparing;
mod topics;
mod watchdog;

use std::sync::Arc;

use bojagi_kernel::reexport::Uuid;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

pub use self::config::{DEFAULTS, GroupProtocol, KafkaConfig, SaslMechanism, Security};
pub use self::lease::RELAY;
use self::topics::Topics;
use crate::{Consumer, Outbox, Transport};

/// The way over a Kafka cluster.
pub struct Kafka(Arc<Shared>);

struct Shared {
    config: KafkaConfig,
    /// Under which name leases are held.
    holder: String,
    topics: Topics,
}

impl Kafka {
    /// The way over the cluster that `config` names, which [`KafkaConfig::check`] has passed. Nothing is connected yet: a
    /// cluster that is down at the moment is waited for.
    #[must_use]
    pub fn new(config: KafkaConfig) -> Self {
        let named = !config.instance.is_empty();
        let holder = if named { config.instance.clone() } else { Uuid::now_v7().to_string() };
        Self(Arc::new(Shared { config, holder, topics: Topics::default() }))
    }
}

impl Transport for Kafka {
    fn publish(&self, outbox: Outbox, stop: CancellationToken) -> BoxFuture<'static, ()> {
        relay::run(Arc::clone(&self.0), outbox, stop).boxed()
    }

    fn deliver(
        &self,
        consumer: Consumer,
        topics: &'static [&'static str],
        stop: CancellationToken,
    ) -> BoxFuture<'static, ()> {
        member::run(Arc::clone(&self.0), consumer, topics, stop).boxed()
    }
}

impl Shared {
    /// The name that a topic has in the cluster.
    fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.config.prefix)
    }

    /// The topic that has this name in the cluster.
    fn topic<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(&self.config.prefix).unwrap_or(name)
    }
}
