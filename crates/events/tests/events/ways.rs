//! The ways that facts can take in a test.

use std::process::Command;

#[cfg(feature = "kafka-tls")]
use bojagi_events::kafka::SaslMechanism;
use bojagi_events::kafka::{DEFAULTS, KafkaConfig};
use bojagi_events::{EmbeddedLog, EmbeddedLogs, Kafka, Transport};
use bojagi_kernel::reexport::Uuid;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::stage::{OTHER_TOPIC, TOPIC};

/// Names a real broker as host:port.
const BROKER: &str = "BOJAGI_TEST_KAFKA";
/// A command that kills that broker and starts it again.
const RESTART: &str = "BOJAGI_TEST_KAFKA_RESTART";

/// The settings of a broker that demands TLS and a password, as TOML.
#[cfg(feature = "kafka-tls")]
const SECURED: &str = "BOJAGI_TEST_KAFKA_SECURED";

/// How facts travel.
pub(crate) enum Way {
    /// The outbox is the log.
    Embedded,
    /// The cluster that librdkafka has for tests.
    Mock(MockCluster<'static, DefaultProducerContext>, KafkaConfig),
    /// A real broker.
    Broker(KafkaConfig),
}

impl Way {
    /// A mock cluster of three brokers.
    pub(crate) fn mock() -> Self {
        let cluster = MockCluster::new(3).unwrap();
        for topic in [TOPIC, OTHER_TOPIC] {
            cluster.create_topic(topic, 4, 3).unwrap();
        }
        // A real broker refuses a batch whose predecessor it has refused; the mock takes it, so there must be none on its way.
        let properties = vec!["max.in.flight.requests.per.connection=1".into()];
        let bootstrap = cluster.bootstrap_servers();
        let config = KafkaConfig { bootstrap, replication: 3, properties, ..configured() };
        Self::Mock(cluster, config)
    }

    /// The real broker, if one is given. Names of topics and groups are of this test alone.
    pub(crate) fn broker() -> Option<Self> {
        let Ok(bootstrap) = std::env::var(BROKER) else {
            eprintln!("not run: {BROKER} names no broker");
            return None;
        };
        Some(Self::Broker(KafkaConfig { bootstrap, prefix: own_prefix(), instance: "test".into(), ..configured() }))
    }

    /// The broker that demands TLS and a password, if one is given, with another way to show the password.
    #[cfg(feature = "kafka-tls")]
    pub(crate) fn secured(sasl_mechanism: SaslMechanism) -> Option<Self> {
        let Ok(settings) = std::env::var(SECURED) else {
            eprintln!("not run: {SECURED} tells of no broker");
            return None;
        };
        let mut table = DEFAULTS.parse::<toml::Table>().unwrap();
        table.extend(settings.parse::<toml::Table>().unwrap());
        let config: KafkaConfig = table.try_into().unwrap();
        assert_eq!(config.check(), Vec::<String>::new());
        Some(Self::Broker(KafkaConfig { prefix: own_prefix(), sasl_mechanism, ..config }))
    }

    /// The settings of the way over Kafka.
    pub(crate) fn config(&self) -> KafkaConfig {
        match self {
            Self::Mock(_, config) | Self::Broker(config) => config.clone(),
            Self::Embedded => unreachable!("the embedded log has no settings"),
        }
    }

    pub(crate) fn transport(&self, logs: Vec<EmbeddedLog>) -> Box<dyn Transport> {
        match self {
            Self::Embedded => Box::new(EmbeddedLogs::new(logs)),
            Self::Mock(_, config) | Self::Broker(config) => Box::new(Kafka::new(config.clone())),
        }
    }

    /// Cuts the way, if that can be done.
    pub(crate) fn cut(&self) {
        if let Self::Mock(cluster, _) = self {
            cluster.broker_down(-1).unwrap();
        }
    }

    /// Mends what was cut. A real broker is killed and comes back while the test waits.
    pub(crate) fn mend(&self) {
        match self {
            Self::Embedded => {}
            Self::Mock(cluster, _) => cluster.broker_up(-1).unwrap(),
            Self::Broker(_) => {
                if let Ok(restart) = std::env::var(RESTART) {
                    assert!(Command::new("sh").args(["-c", &restart]).status().unwrap().success());
                }
            }
        }
    }
}

/// So that tests share a broker and not its topics and groups.
fn own_prefix() -> String {
    format!("{}.", Uuid::now_v7())
}

fn configured() -> KafkaConfig {
    KafkaConfig { partitions: 4, ..DEFAULTS.parse::<toml::Table>().unwrap().try_into().unwrap() }
}
