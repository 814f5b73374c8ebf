//! The settings of the way over Kafka, and what librdkafka is told.

use std::fmt;

use rdkafka::ClientConfig;
use serde::Deserialize;

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// What the promises rest on, under all names that librdkafka knows it by: not to be changed by `properties`.
const FIXED: [&str; 15] = [
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "request.required.acks",
];

/// The largest record, in bytes: more than a message may have that comes in over gRPC.
pub(super) const LARGEST_RECORD: &str = "8388608";

/// How facts travel over Kafka; the fields are explained in [`DEFAULTS`].
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the defaults document each field")]
pub struct KafkaConfig {
    pub bootstrap: String,
    pub prefix: String,
    pub instance: String,
    pub create_topics: bool,
    pub partitions: i32,
    pub replication: i32,
    pub group_protocol: GroupProtocol,
    pub security: Security,
    pub sasl_mechanism: SaslMechanism,
    pub username: String,
    pub password: String,
    pub ca_file: String,
    pub certificate_file: String,
    pub key_file: String,
    pub properties: Vec<String>,
}

/// How members of a group agree on who has which partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupProtocol {
    /// By one of the members, cooperatively.
    Classic,
    /// By the broker (KIP-848).
    Consumer,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Kafka's own")]
pub enum Security {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// How a client says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are Kafka's own")]
pub enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl KafkaConfig {
    /// Whether facts travel over Kafka at all.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        !self.bootstrap.is_empty()
    }

    /// Everything that is wrong with it.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.partitions < 1 || self.replication < 1 {
            mistakes.push("partitions and replication: must be at least 1".into());
        }
        let tls = matches!(self.security, Security::Ssl | Security::SaslSsl);
        if !cfg!(feature = "kafka-tls") && (tls || self.scram()) {
            mistakes.push("security, sasl_mechanism: TLS and SCRAM need a build with --features kafka-tls".into());
        }
        if self.sasl() && (self.username.is_empty() || self.password.is_empty()) {
            mistakes.push("username and password: SASL needs both".into());
        }
        for property in &self.properties {
            match property.split_once('=') {
                None => mistakes.push(format!("properties: {property:?} is not name=value")),
                Some((name, _)) if FIXED.contains(&name.trim()) => {
                    mistakes.push(format!("properties: {name} is what promises rest on and cannot be changed"));
                }
                Some(_) => {}
            }
        }
        // librdkafka itself knows best what it does not understand.
        if mistakes.is_empty() {
            let producer = self.producer().create_native_config().err();
            let consumer = self.consumer("check").create_native_config().err();
            mistakes.extend(producer.or(consumer).map(|error| format!("properties: {error}")));
        }
        mistakes
    }

    const fn sasl(&self) -> bool {
        matches!(self.security, Security::SaslPlaintext | Security::SaslSsl)
    }

    const fn scram(&self) -> bool {
        self.sasl() && !matches!(self.sasl_mechanism, SaslMechanism::Plain)
    }

    /// What all clients are told.
    pub(super) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("client.id", if self.instance.is_empty() { "bojagi" } else { &self.instance });
        client.set(
            "security.protocol",
            match self.security {
                Security::Plaintext => "plaintext",
                Security::Ssl => "ssl",
                Security::SaslPlaintext => "sasl_plaintext",
                Security::SaslSsl => "sasl_ssl",
            },
        );
        if self.sasl() {
            client.set(
                "sasl.mechanism",
                match self.sasl_mechanism {
                    SaslMechanism::Plain => "PLAIN",
                    SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
                    SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
                },
            );
            client.set("sasl.username", &self.username).set("sasl.password", &self.password);
        }
        let files = [
            ("ssl.ca.location", &self.ca_file),
            ("ssl.certificate.location", &self.certificate_file),
            ("ssl.key.location", &self.key_file),
        ];
        for (name, file) in files.into_iter().filter(|(_, file)| !file.is_empty()) {
            client.set(name, file);
        }
        // A broker that is back should be found within half a second, not after ten.
        client.set("reconnect.backoff.max.ms", "500");
        client.set("bootstrap.servers", &self.bootstrap);
        client
    }

    fn with_properties(&self, mut client: ClientConfig) -> ClientConfig {
        for (name, value) in self.properties.iter().filter_map(|property| property.split_once('=')) {
            client.set(name.trim(), value.trim());
        }
        client
    }

    /// What administers topics.
    pub(super) fn admin(&self) -> ClientConfig {
        self.with_properties(self.client())
    }

    /// What publishes. It waits for a broker as long as it takes: a record that timed out while the next one did not would
    /// be a gap in the facts of an aggregate.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut producer = self.client();
        producer.set("linger.ms", "2");
        producer.set("message.max.bytes", LARGEST_RECORD);
        producer.set("queue.buffering.max.messages", "100000");
        // Java's default, so that others find the partition of a key as we do.
        producer.set("partitioner", "murmur2_random");
        let mut producer = self.with_properties(producer);
        producer.set("enable.idempotence", "true").set("acks", "all");
        producer.set("enable.gapless.guarantee", "true").set("message.timeout.ms", "0");
        producer
    }

    /// What listens as a member of `group`.
    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut consumer = self.client();
        consumer.set("fetch.message.max.bytes", LARGEST_RECORD);
        consumer.set("queued.min.messages", "2000").set("queued.max.messages.kbytes", "16384");
        consumer.set("fetch.queue.backoff.ms", "10");
        // A topic that was not to be seen yet when its group was formed is noticed soon.
        consumer.set("topic.metadata.refresh.interval.ms", "2000");
        // Tells the watchdog how far partitions go.
        consumer.set("statistics.interval.ms", "3000");
        match self.group_protocol {
            GroupProtocol::Consumer => drop(consumer.set("group.protocol", "consumer")),
            GroupProtocol::Classic => {
                consumer.set("partition.assignment.strategy", "cooperative-sticky");
                consumer.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "1500");
            }
        }
        let mut consumer = self.with_properties(consumer);
        if self.group_protocol == GroupProtocol::Classic && !self.instance.is_empty() {
            consumer.set("group.instance.id", format!("{}{}.{group}", self.prefix, self.instance));
        }
        consumer.set("group.id", format!("{}{group}", self.prefix));
        consumer.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        consumer.set("auto.offset.reset", "earliest");
        consumer
    }
}

impl fmt::Debug for KafkaConfig {
    /// Without what may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConfig")
            .field("bootstrap", &self.bootstrap)
            .field("prefix", &self.prefix)
            .field("instance", &self.instance)
            .field("security", &self.security)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
