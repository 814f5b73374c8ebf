//! Two processes of order on one store, with their peers in a third.

use bojagi_events::EmbeddedLog;
use bojagi_order::{Config, MIGRATIONS, TOPIC};
use bojagi_testkit::Rig;

use crate::house::{Cast, House, impatient};

pub(crate) struct Branches {
    pub(crate) one: House,
    pub(crate) other: House,
    /// Lives as long as the branches.
    pub(crate) peers: Rig,
}

/// Patient enough with its peers for a busy machine.
pub(crate) fn steady() -> Config {
    Config { ask_timeout_milliseconds: 6_000, ..impatient() }
}

impl Branches {
    pub(crate) async fn open() -> Self {
        Self::with(steady()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let peers = Rig::new();
        let cast = Cast::new(&peers);
        let one = peers.beside();
        let context = one.context("order", MIGRATIONS).await;
        peers.follow(EmbeddedLog::new(TOPIC, context.store.clone()));
        let accounts = peers.publisher("bojagi.user.v1").await;
        let services = cast.peers(&peers).await;
        let topics = services.iter().map(|(service, topic)| (service.name, *topic)).collect::<Vec<_>>();
        peers.start(services).await;

        let other = one.beside();
        let other_context = other.context("order", MIGRATIONS).await;
        for (rig, context, instance) in [(&one, context, "one"), (&other, other_context, "other")] {
            for (name, topic) in &topics {
                rig.follow(EmbeddedLog::new(topic, peers.store(name)));
            }
            rig.follow(accounts.log());
            let config = Config { instance: instance.into(), ..config.clone() };
            let order = bojagi_order::build(context, peers.channel("order"), config).await.unwrap();
            rig.start([(order, TOPIC)]).await;
        }
        let house = |rig| House::of(rig, cast.clone(), accounts.clone());
        Self { one: house(one), other: house(other), peers }
    }
}
