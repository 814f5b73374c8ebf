//! The contexts of a process: composed over their stores, connected, and run. All six in one process, or some of them.

use std::path::PathBuf;
use std::sync::Arc;

use bojagi_chassis::channel::Handler;
use bojagi_chassis::settings::Mistakes;
use bojagi_chassis::tokens::{self, Verifier};
use bojagi_chassis::{Channel, Context, Pager, Service, Switchboard};
use bojagi_events::kafka::KafkaConfig;
use bojagi_events::{Consumer, EmbeddedLog, EmbeddedLogs, Kafka, Outbox, RELAY, Transport};
use bojagi_kernel::{Clock, Failure, ShopCalendar};
use bojagi_store::{Migration, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::mesh::StartError;
use crate::pruning::{Follower, prune_until_stopped};
use crate::settings::MeshSettings;

/// What the contexts of a process have around them.
pub(crate) struct Surroundings {
    /// Where stores in files are.
    pub(crate) data: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pager: Pager,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) switchboard: Switchboard,
    /// Cancelled when the process is to end.
    pub(crate) stop: CancellationToken,
    /// Everything that the process does by itself.
    pub(crate) work: TaskTracker,
}

impl Surroundings {
    pub(crate) fn new(data: PathBuf, clock: Arc<dyn Clock>, pager: Pager) -> Self {
        Self {
            data,
            pager,
            verifier: Arc::new(Verifier::new(Arc::clone(&clock))),
            clock,
            switchboard: Switchboard::default(),
            stop: CancellationToken::new(),
            work: TaskTracker::new(),
        }
    }

    /// Keeps the verifier up to date, as `workload`.
    pub(crate) fn follow_tokens(&self, workload: &'static str) {
        let (verifier, stop) = (Arc::clone(&self.verifier), self.stop.clone());
        let channel = self.switchboard.channel(workload);
        self.work.spawn(async move { tokens::follow(&verifier, channel, stop).await });
    }
}

/// A context, composed, with what it tells and where.
struct Composed {
    service: Service,
    topic: &'static str,
    store: Store,
}

/// The contexts of a process.
pub(crate) struct Contexts(Vec<Composed>);

impl Contexts {
    /// Opens the stores of the contexts of these names and composes them, in this order.
    pub(crate) async fn compose(
        names: &[&'static str],
        settings: &MeshSettings,
        around: &Surroundings,
    ) -> Result<Self, StartError> {
        let calendar = ShopCalendar::in_zone(&settings.mesh.time_zone)
            .map_err(|error| Mistakes(vec![format!("mesh.time_zone: {error}")]))?;
        let opening = Opening { settings, around, calendar };
        let user = bojagi_user::Config { mailbox_folder: settings.mailbox(&around.data), ..settings.user.clone() };

        /// Opens the store of a context and composes it.
        macro_rules! compose {
            ($context:ident, $config:expr) => {{
                let (context, store, channel) = opening.open($context::NAME, $context::MIGRATIONS).await?;
                let service = $context::build(context, channel, $config)
                    .await
                    .map_err(|failure| StartError::Service($context::NAME, failure))?;
                Composed { service, topic: $context::TOPIC, store }
            }};
        }
        let mut contexts = Vec::with_capacity(names.len());
        for name in names {
            contexts.push(match *name {
                bojagi_user::NAME => compose!(bojagi_user, user.clone()),
                bojagi_item::NAME => compose!(bojagi_item, settings.item.clone()),
                bojagi_coupon::NAME => compose!(bojagi_coupon, settings.coupon),
                bojagi_order::NAME => compose!(bojagi_order, settings.order.clone()),
                bojagi_payment::NAME => compose!(bojagi_payment, settings.payment.clone()),
                bojagi_settlement::NAME => compose!(bojagi_settlement, settings.settlement.clone()),
                unknown => return Err(StartError::Service(unknown, Failure::broken("there is no such service"))),
            });
        }
        Ok(Self(contexts))
    }

    /// The store of a context.
    pub(crate) fn store(&self, name: &'static str) -> Result<Store, StartError> {
        let context = self.0.iter().find(|context| context.service.name == name);
        let missing = || StartError::Service(name, Failure::broken("it is not in this process"));
        context.map(|context| context.store.clone()).ok_or_else(missing)
    }

    /// What answers the calls of the contexts.
    pub(crate) fn handlers(&self) -> Vec<(&'static str, Handler)> {
        self.0.iter().flat_map(|context| context.service.handlers.iter().cloned()).collect()
    }

    /// Lets consumers and tasks run.
    pub(crate) fn run(self, kafka: KafkaConfig, around: &Surroundings) {
        let Surroundings { clock, stop, work, .. } = around;
        let stores = || self.0.iter().map(|context| (context.topic, context.store.clone()));
        let logs: Vec<_> = stores().map(|(topic, store)| EmbeddedLog::new(topic, store)).collect();
        let pruned = logs.iter().cloned().zip(stores().map(|(_, store)| store)).collect();
        let over_kafka = kafka.is_used();
        let transport: Box<dyn Transport> =
            if over_kafka { Box::new(Kafka::new(kafka)) } else { Box::new(EmbeddedLogs::new(logs)) };
        let mut followers = Vec::new();
        for Composed { service, topic, store } in self.0 {
            let outbox = Outbox { topic, store: store.clone(), clock: Arc::clone(clock) };
            work.spawn(transport.publish(outbox, stop.clone()));
            if over_kafka {
                followers.push(Follower { group: RELAY, topic, store: store.clone() });
            }
            for subscription in service.subscriptions {
                let group = subscription.hears.group();
                if !over_kafka {
                    let follower = |topic: &&'static str| Follower { group, topic, store: store.clone() };
                    followers.extend(subscription.topics.iter().map(follower));
                }
                let consumer = Consumer::new(subscription.hears, store.clone(), Arc::clone(clock));
                work.spawn(transport.deliver(consumer, subscription.topics, stop.clone()));
            }
            for task in service.tasks {
                work.spawn(task);
            }
        }
        work.spawn(prune_until_stopped(pruned, followers, Arc::clone(clock), stop.clone()));
    }
}

/// How stores are opened.
struct Opening<'p> {
    settings: &'p MeshSettings,
    around: &'p Surroundings,
    calendar: ShopCalendar,
}

impl Opening<'_> {
    /// The store of a context, what the context is given, and how it calls others.
    async fn open(
        &self,
        name: &'static str,
        migrations: &'static [Migration],
    ) -> Result<(Context, Store, Channel), StartError> {
        let Self { settings, around, calendar } = self;
        let store_options = bojagi_store::Options {
            database: settings.database.of(name, &around.data)?,
            queue: settings.mesh.store_queue,
            readers: settings.mesh.store_readers,
            service: Some(name),
        };
        let opened = Store::open(&store_options, migrations, around.clock.as_ref()).await;
        let store = opened.map_err(|error| StartError::Store(name, error))?;
        let context = Context {
            store: store.clone(),
            clock: Arc::clone(&around.clock),
            calendar: calendar.clone(),
            pager: around.pager.clone(),
            verifier: Arc::clone(&around.verifier),
            stop: around.stop.clone(),
        };
        Ok((context, store, around.switchboard.channel(name)))
    }
}
