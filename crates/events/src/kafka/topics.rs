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
/// How often it is asked whether a topic that was created is to be seen.
const LOOK: Duration = Duration::from_millis(50);

/// Why topics are not ready. Trying again makes sense.
#[derive(Debug, thiserror::Error)]
pub(super) enum TopicError {
    #[error("{0}")]
    Client(#[from] rdkafka::error::KafkaError),
    #[error("topic {0} cannot be created: {1}")]
    NotCreated(String, RDKafkaErrorCode),
    #[error("topic {0} is not there, and create_topics is off")]
    Missing(String),
    #[error("the brokers do not show the topics that were created")]
    NotSeen,
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
        let listed = list(&admin).await?;
        let missing: Vec<_> = names.iter().filter(|name| !is_there(&listed, name, config)).collect();
        create(&admin, &missing, config).await?;
        wait_until_seen(&admin, &missing).await?;
        known.ready.extend(names.iter().cloned());
        Ok(())
    }
}

async fn list(admin: &Arc<AdminClient<Listener>>) -> Result<Metadata, TopicError> {
    let admin = Arc::clone(admin);
    let listed = tokio::task::spawn_blocking(move || admin.inner().fetch_metadata(None, PATIENCE)).await;
    Ok(listed.map_err(|_| TopicError::EndedEarly)??)
}

/// Waits until the brokers show what was created: a group that is formed earlier would go without it for a while.
async fn wait_until_seen(admin: &Arc<AdminClient<Listener>>, created: &[&String]) -> Result<(), TopicError> {
    let seen = async {
        while let Some(first) = created.first() {
            let listed = list(admin).await?;
            let has_leaders = |name: &str| {
                let topic = listed.topics().iter().find(|topic| topic.name() == name);
                topic.is_some_and(|topic| topic.partitions().iter().all(|partition| partition.leader() >= 0))
            };
            if created.iter().all(|name| has_leaders(name)) {
                break;
            }
            tracing::debug!(topic = first, "waiting for the brokers to show it");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, seen).await.map_err(|_| TopicError::NotSeen)?
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
