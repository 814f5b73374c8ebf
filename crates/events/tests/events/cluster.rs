//! What only a cluster brings: errors of brokers, records of strangers, several instances of each.

use std::time::Duration;

use bojagi_events::SetAsideState::Parked;
use bojagi_events::kafka::{GroupProtocol, KafkaConfig};
use bojagi_events::{Kafka, RELAY, SetAside};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Clock, Moment};
use bojagi_store::{Error, Tx};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::stage::{OTHER_TOPIC, Stage, TOPIC, until};
use crate::ways::Way;

/// A mock cluster, and the real broker if there is one.
async fn clusters() -> Vec<Stage> {
    let mut stages = vec![Stage::over(Way::mock()).await];
    if let Some(broker) = Way::broker() {
        stages.push(Stage::over(broker).await);
    }
    stages
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_brokers_neither_lose_nor_reorder_nor_double() {
    let stage = Stage::over(Way::mock()).await;
    let Way::Mock(cluster, _) = &stage.way else { unreachable!() };
    let running = stage.start();
    let aggregates: Vec<_> = (0..8).map(|_| Uuid::now_v7()).collect();
    for number in 0..50 {
        if number % 10 == 0 {
            use RDKafkaRespErr::{
                RD_KAFKA_RESP_ERR__TRANSPORT as CUT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS as FEW_COPIES,
                RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION as MOVED, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT as LATE,
            };
            cluster.request_errors(RDKafkaApiKey::Produce, &[FEW_COPIES, CUT, LATE, MOVED]);
            cluster.request_errors(RDKafkaApiKey::Fetch, &[CUT, MOVED]);
            cluster.request_errors(RDKafkaApiKey::OffsetCommit, &[LATE]);
            cluster.partition_leader(TOPIC, number % 4, Some(1 + (number / 10) % 3)).unwrap();
        }
        for aggregate in &aggregates {
            stage.tell(*aggregate, number.into()).await;
        }
    }
    until("all are published", async || published(&stage).await >= 400).await;
    until("all are heard", async || stage.heard().await.len() >= 400).await;
    for aggregate in &aggregates {
        assert_eq!(stage.heard_of(*aggregate).await, (0..50).collect::<Vec<_>>());
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_no_fact_is_parked_and_the_rest_flows_on() {
    for stage in clusters().await {
        let config = stage.way.config();
        let running = stage.start();
        let (aggregate, key) = (Uuid::now_v7(), "the same partition");
        stage.tell(aggregate, 1).await;
        until("the fact is heard", async || stage.heard_of(aggregate).await == [1]).await;
        let stranger: FutureProducer =
            ClientConfig::new().set("bootstrap.servers", &config.bootstrap).create().unwrap();
        let topic = format!("{}{TOPIC}", config.prefix);
        let record = FutureRecord::to(&topic).key(key).payload("no fact");
        stranger.send(record, Duration::from_secs(30)).await.unwrap();
        until("it is parked", async || parked(&stage).await.len() == 1).await;
        let found = parked(&stage).await.remove(0);
        assert_eq!(found.event.payload, b"no fact");
        assert!(found.last_error.contains("it has no headers"), "{}", found.last_error);

        stage.tell(aggregate, 2).await;
        until("what follows is heard", async || stage.heard_of(aggregate).await == [1, 2]).await;
        assert_eq!(parked(&stage).await.len(), 1);
        running.stop().await;
    }
}

async fn parked(stage: &Stage) -> Vec<SetAside> {
    let rows: Result<_, Error> =
        stage.hearer.read(async |tx: &mut Tx| bojagi_events::list(tx, "hearer", Some(Parked), None, 10).await).await;
    rows.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_relay_publishes_at_a_time_and_one_that_slept_too_long_is_fenced() {
    for stage in clusters().await {
        let named = |name: &str| Kafka::new(KafkaConfig { instance: name.into(), ..stage.way.config() });
        let listening = stage.listen();
        let aggregate = Uuid::now_v7();
        let first = stage.publish(&named("first"));
        stage.tell(aggregate, 0).await;
        until("the first publishes", async || stage.heard_of(aggregate).await == [0]).await;
        let second = stage.publish(&named("second"));

        // For the others the first has slept: nothing it does now can be noted. It may have prolonged its lease once more meanwhile, by
        // the time that it is now; then it has to sleep again.
        until("the second takes over", async || {
            if is_held_by(&stage, "first").await {
                stage.clock.advance(Duration::from_secs(60));
            }
            holder(&stage).await == ("second".into(), 2)
        })
        .await;
        for number in 1..100 {
            stage.tell(aggregate, number).await;
        }
        until("the second publishes", async || stage.heard().await.len() >= 100).await;
        assert_eq!(stage.heard_of(aggregate).await, (0..100).collect::<Vec<_>>());
        until("it is noted", async || published(&stage).await == 100).await;

        // A goodbye gives the lease back: the next one need not wait for its end.
        second.stop().await;
        until("the first takes over", async || holder(&stage).await == ("first".into(), 3)).await;
        stage.tell(aggregate, 100).await;
        until("the first publishes again", async || stage.heard().await.len() == 101).await;
        first.stop().await;
        listening.stop().await;
    }
}

async fn holder(stage: &Stage) -> (String, i64) {
    let row: Result<_, Error> =
        stage.teller.read(async |tx: &mut Tx| tx.fetch_one("SELECT holder, epoch FROM relay_lease", &[]).await).await;
    row.unwrap()
}

/// Whether the lease is somebody's, and has not ended.
async fn is_held_by(stage: &Stage, name: &str) -> bool {
    let row: Result<(String, Moment), Error> = stage
        .teller
        .read(async |tx: &mut Tx| tx.fetch_one("SELECT holder, held_until FROM relay_lease", &[]).await)
        .await;
    let (holder, held_until) = row.unwrap();
    holder == name && held_until > stage.clock.now()
}

async fn published(stage: &Stage) -> i64 {
    let position: Result<_, Error> =
        stage.teller.read(async |tx: &mut Tx| bojagi_events::position(tx, RELAY, TOPIC).await).await;
    position.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_group_share_and_take_over() {
    for stage in clusters().await {
        // Without names, so that one who leaves is not waited for.
        let member = || {
            let config = KafkaConfig { instance: String::new(), ..stage.way.config() };
            stage.listen_over(&Kafka::new(config))
        };
        let publishing = stage.publish(stage.transport().as_ref());
        let aggregates: Vec<_> = (0..16).map(|_| Uuid::now_v7()).collect();
        let tell = async |numbers: std::ops::Range<i64>| {
            for number in numbers {
                for aggregate in &aggregates {
                    stage.tell(*aggregate, number).await;
                }
            }
        };
        let first = member();
        tell(0..20).await;
        until("one member hears", async || stage.heard().await.len() == 320).await;
        let second = member();
        tell(20..40).await;
        until("both hear", async || stage.heard().await.len() >= 640).await;
        first.stop().await;
        tell(40..60).await;
        until("the other goes on", async || stage.heard().await.len() >= 960).await;
        for aggregate in &aggregates {
            assert_eq!(stage.heard_of(*aggregate).await, (0..60).collect::<Vec<_>>());
        }
        second.stop().await;
        publishing.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_where_they_are_missing_and_left_alone_where_they_are() {
    let Some(way) = Way::broker() else { return };
    let stage = Stage::over(way).await;
    let config = stage.way.config();
    let name = |topic: &str| format!("{}{topic}", config.prefix);
    let client = ClientConfig::new().set("bootstrap.servers", &config.bootstrap).clone();
    let admin: AdminClient<_> = client.create().unwrap();
    let there = name(OTHER_TOPIC);
    let new = NewTopic::new(&there, 2, TopicReplication::Fixed(1));
    admin.create_topics([&new], &AdminOptions::new()).await.unwrap().remove(0).unwrap();

    let running = stage.start();
    stage.tell(Uuid::now_v7(), 1).await;
    until("facts flow", async || stage.heard().await.len() == 1).await;
    running.stop().await;
    let asking: BaseConsumer = client.create().unwrap();
    let partitions = |topic: &str| {
        let listed = asking.fetch_metadata(Some(topic), Duration::from_secs(30)).unwrap();
        listed.topics()[0].partitions().len()
    };
    assert_eq!(partitions(&name(TOPIC)), 4, "as configured");
    assert_eq!(partitions(&there), 2, "as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_yet_is_waited_for() {
    let stage = Stage::over(Way::mock()).await;
    stage.way.cut();
    let running = stage.start();
    let aggregate = Uuid::now_v7();
    stage.tell(aggregate, 1).await;
    assert_eq!(published(&stage).await, 0);
    stage.way.mend();
    until("it is heard", async || stage.heard_of(aggregate).await == [1]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_brokers_own_group_protocol_facts_flow_and_what_was_killed_goes_on() {
    let Some(way) = Way::broker() else { return };
    let config = KafkaConfig { group_protocol: GroupProtocol::Consumer, ..way.config() };
    let stage = Stage::over(Way::Broker(config)).await;
    let aggregate = Uuid::now_v7();
    let running = stage.start();
    for number in 0..20 {
        stage.tell(aggregate, number).await;
    }
    until("half is heard", async || stage.heard().await.len() == 20).await;
    stage.kill(running).await;
    for number in 20..40 {
        stage.tell(aggregate, number).await;
    }
    let running = stage.start();
    until("the other half is heard", async || stage.heard().await.len() >= 40).await;
    assert_eq!(stage.heard_of(aggregate).await, (0..40).collect::<Vec<_>>());
    running.stop().await;
}

#[cfg(feature = "kafka-tls")]
#[tokio::test(flavor = "multi_thread")]
async fn facts_flow_through_a_broker_that_demands_tls_and_a_password() {
    use bojagi_events::kafka::SaslMechanism::{Plain, ScramSha512};
    for mechanism in [ScramSha512, Plain] {
        let Some(way) = Way::secured(mechanism) else { return };
        let stage = Stage::over(way).await;
        let running = stage.start();
        stage.tell(Uuid::now_v7(), 1).await;
        until("it is heard", async || stage.heard().await.len() == 1).await;
        running.stop().await;
    }
}
