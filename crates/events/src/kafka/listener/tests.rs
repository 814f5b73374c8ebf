//! How members leave their group, and what becomes of pauses when partitions go from one to another.

use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::Stream;
use rdkafka::Message;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::StreamConsumer;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{FutureProducer, FutureRecord};

use super::*;
use crate::kafka::KafkaConfig;
use crate::kafka::config::DEFAULTS;

/// Members that leave, each of a group of its own.
const MEMBERS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

/// Says when a client has something for its owner, who has not looked yet.
struct Bell(mpsc::Sender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // Later rings are of no interest.
        let _ = self.0.send(());
    }
}

/// What the group has decided waits for a member that leaves instead. It gives all of it up by the one answer that it has left.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_can_leave_while_partitions_are_on_their_way_to_it() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("facts", 4, 1).unwrap();
    let mut config: KafkaConfig = toml::from_str(DEFAULTS).unwrap();
    config.bootstrap = cluster.bootstrap_servers();
    // One with a name does not say goodbye, so its end takes no time.
    config.instance = "member".into();
    // Nothing but the partitions is to ring the bell.
    config.properties = vec!["statistics.interval.ms=0".into()];
    let (left, seen) = mpsc::channel();
    for number in 0..MEMBERS {
        let settings = config.consumer(&format!("group-{number}"));
        let member: StreamConsumer<Listener> =
            StreamConsumer::from_config_and_context(&settings, Listener::default()).unwrap();
        let left = left.clone();
        thread::spawn(move || {
            let (bell, rung) = mpsc::channel();
            {
                let waker = Waker::from(Arc::new(Bell(bell)));
                let receiving = pin!(member.stream());
                assert!(matches!(receiving.poll_next(&mut Context::from_waker(&waker)), Poll::Pending));
                member.subscribe(&["facts"]).unwrap();
                rung.recv_timeout(PATIENCE).unwrap();
            }
            member.context().leave();
            drop(member);
            left.send(()).unwrap();
        });
    }
    let until = Instant::now() + PATIENCE;
    let all = (0..MEMBERS).filter(|_| seen.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok());
    assert_eq!(all.count(), MEMBERS, "members have left");
}

/// A partition that was full when it went is not full any more when it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_ends_when_its_partition_goes() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("facts", 2, 1).unwrap();
    let mut config: KafkaConfig = toml::from_str(DEFAULTS).unwrap();
    config.bootstrap = cluster.bootstrap_servers();
    let member = || -> StreamConsumer<Listener> {
        let settings = config.consumer("group");
        let member = StreamConsumer::from_config_and_context(&settings, Listener::default()).unwrap();
        member.subscribe(&["facts"]).unwrap();
        member
    };
    let first = member();
    let all = receive_until(&first, || has(&first).len() == 2).await;
    assert_eq!(all, Vec::<i32>::new(), "nothing was told yet");
    first.pause(&first.assignment().unwrap()).unwrap();

    let second = member();
    let taken = {
        let sharing = receive_until(&second, || has(&second).len() == 1);
        tokio::select! {
            _ = sharing => has(&second)[0],
            _ = receive_until(&first, || false) => unreachable!(),
        }
    };
    // It says goodbye, for which the other has to be there.
    let leaving = tokio::task::spawn_blocking(move || drop(second));
    receive_until(&first, || leaving.is_finished() && has(&first).len() == 2).await;

    let teller: FutureProducer = config.producer().create().unwrap();
    let fact = FutureRecord::<str, str>::to("facts").partition(taken).payload("a fact");
    teller.send(fact, PATIENCE).await.unwrap();
    let received = tokio::time::timeout(PATIENCE, first.recv()).await;
    assert_eq!(received.expect("it stands still").unwrap().partition(), taken);
}

/// The partitions that a member has.
fn has(member: &StreamConsumer<Listener>) -> Vec<i32> {
    member.assignment().unwrap().elements().iter().map(|element| element.partition()).collect()
}

/// Has a member receive until something is so. Answers from which partitions it has received.
async fn receive_until(member: &StreamConsumer<Listener>, is_so: impl Fn() -> bool) -> Vec<i32> {
    let mut received = Vec::new();
    let mut look = tokio::time::interval(Duration::from_millis(10));
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is_so() {
            tokio::select! {
                _ = look.tick() => {}
                message = member.recv() => received.extend(message.map(|message| message.partition())),
            }
        }
    });
    assert!(waited.await.is_ok(), "waited in vain");
    received
}
