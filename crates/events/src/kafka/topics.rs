//! Topics: created where they are missing, left alone where they are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::Metadata;
use tokio::sync::Mutex;

use super::KafkaConfig;
use super::listener::Listener;

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why topics are not ready. Trying again makes sense.
#[derive(Debug, thiserror::Error)]
pub(super) enum TopicError {
    #[error("{0}")]
    Client(#[from] rdkafka::error::KafkaError),
    #[error("topic {0} cannot be created: {1}")]
    NotCreated(String, RDKafkaErrorCode),
    #[error("topic {0} is not there, and create_topics is off")]
    Missing(String),
    #[error("the task that asked the brokers ended early")]
    EndedEarly,
}

/// The topics of one process that are known to be there.
#[derive(Default)]
pub(super) struct Topics(Mutex<Known>);

#[derive(Default)]
struct Known {
    ready: BTreeSet<String>,
    /// Kept, so that each topic need not make a client of its own.
    admin: Option<Arc<AdminClient<Listener>>>,
}

impl Topics {
    /// Makes sure that the topics are there; the names hold the prefix.
    pub(super) async fn ensure(&self, names: &[String], config: &KafkaConfig) -> Result<(), TopicError> {
        let mut known = self.0.lock().await;
        if names.iter().all(|name| known.ready.contains(name)) {
            return Ok(());
        }
        let admin = match &known.admin {
            Some(admin) => Arc::clone(admin),
            None => {
                let made = AdminClient::from_config_and_context(&config.admin(), Listener::default())?;
                Arc::clone(known.admin.insert(Arc::new(made)))
            }
        };
        // All topics are listed, because asking for one by name may create it with the broker's figures instead of ours.
        let asking = Arc::clone(&admin);
        let listed = tokio::task::spawn_blocking(move || asking.inner().fetch_metadata(None, PATIENCE)).await;
        let listed = listed.map_err(|_| TopicError::EndedEarly)??;
        let missing: Vec<_> = names.iter().filter(|name| !is_there(&listed, name, config)).collect();
        create(&admin, &missing, config).await?;
        known.ready.extend(names.iter().cloned());
        Ok(())
    }
}

/// Whether a topic is there. Says so when it is not as it would have been created.
fn is_there(listed: &Metadata, name: &str, config: &KafkaConfig) -> bool {
    let Some(topic) = listed.topics().iter().find(|topic| topic.name() == name) else { return false };
    let copies = topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    let (partitions, wanted, replication) = (topic.partitions().len(), config.partitions, config.replication);
    if usize::try_from(wanted) != Ok(partitions) || usize::try_from(replication) != Ok(copies) {
        tracing::warn!(
            topic = name,
            partitions,
            wanted,
            copies,
            replication,
            "a topic is not as configured; it is left alone"
        );
    }
    true
}

async fn create(admin: &AdminClient<Listener>, missing: &[&String], config: &KafkaConfig) -> Result<(), TopicError> {
    let Some(first) = missing.first() else { return Ok(()) };
    if !config.create_topics {
        return Err(TopicError::Missing((*first).clone()));
    }
    let largest = super::config::LARGEST_RECORD;
    let new: Vec<_> = missing
        .iter()
        .map(|name| NewTopic::new(name, config.partitions, TopicReplication::Fixed(config.replication)))
        .map(|topic| topic.set("max.message.bytes", largest))
        .collect();
    let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
    for created in admin.create_topics(&new, &options).await? {
        match created {
            Ok(topic) => tracing::info!(topic, "created a topic"),
            // Another process was faster.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, error)) => return Err(TopicError::NotCreated(topic, error)),
        }
    }
    Ok(())
}
