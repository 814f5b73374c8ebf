//! A mesh in one process: six services over a store each, the log between them, and the gateway in front.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::settings::Mistakes;
use bojagi_chassis::tokens::{self, Verifier};
use bojagi_chassis::{Context, Pager, Service, Switchboard};
use bojagi_events::kafka::KafkaConfig;
use bojagi_events::{Consumer, EmbeddedLog, EmbeddedLogs, Kafka, Outbox, RELAY, Transport};
use bojagi_gateway::{BindError, BoundGateway, ConfigErrors, PolicyErrors, RunningGateway};
use bojagi_kernel::{Clock, Failure, ShopCalendar};
use bojagi_store::{Migration, Store};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::data_folder::{DataFolder, DataFolderError};
use crate::front;
use crate::pruning::{Follower, prune_until_stopped};
use crate::settings::MeshSettings;

/// What a mesh is started with.
pub struct Options {
    /// The data directory.
    pub data: PathBuf,
    /// Where the gateway listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Everything else.
    pub settings: MeshSettings,
}

/// Why a mesh did not start. Each is one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Mistakes in the settings.
    #[error("{0}")]
    Settings(#[from] Mistakes),
    /// Mistakes in how the gateway is put together.
    #[error("{0}")]
    Gateway(#[from] ConfigErrors),
    /// The descriptors carry policies that contradict each other.
    #[error("{0}")]
    Policies(#[from] PolicyErrors),
    /// The address is taken.
    #[error("{0}; choose another with --listen")]
    Listen(#[from] BindError),
    /// The data directory is taken or unusable.
    #[error("{0}")]
    Data(#[from] DataFolderError),
    /// A store cannot be opened.
    #[error("the store of {0} cannot be opened: {1}")]
    Store(&'static str, bojagi_store::Error),
    /// A service cannot be composed.
    #[error("the {0} service cannot start: {1}")]
    Service(&'static str, Failure),
}

/// A mesh that runs.
pub struct Mesh {
    address: SocketAddr,
    folder: DataFolder,
    switchboard: Switchboard,
    users: Store,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    work: TaskTracker,
    running: RunningGateway,
    drained: CancellationToken,
    gateway: JoinHandle<()>,
    stop_within: Duration,
}

/// A context, composed, with what it tells and where.
struct Composed {
    service: Service,
    topic: &'static str,
    store: Store,
}

impl Mesh {
    /// Starts a mesh; it is ready when this answers.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options { data, listen, clock, settings } = options;
        let folder = DataFolder::take(&data)?;
        let pager = Pager::new(folder.secret()?);
        let verifier = Arc::new(Verifier::new(Arc::clone(&clock)));
        let switchboard = Switchboard::default();

        let gateway = front::gateway(settings.gateway, &verifier, &switchboard)?;
        let readiness = gateway.readiness();
        readiness.set_serving(false);
        // Bound first: a taken port is told before anything else happens, and early clients wait instead of failing.
        let bound = gateway.bind(listen).await?;

        let shared = settings.mesh;
        let mut kafka = settings.kafka;
        if kafka.instance.is_empty() {
            // Alone on its data folder, so the name comes back with the folder.
            kafka.instance = "up".into();
        }
        let calendar = ShopCalendar::in_zone(&shared.time_zone)
            .map_err(|error| Mistakes(vec![format!("mesh.time_zone: {error}")]))?;
        let stop = CancellationToken::new();
        let open = async |name: &'static str, migrations: &'static [Migration]| {
            let store_options = bojagi_store::Options {
                database: settings.database.of(name, folder.path())?,
                queue: shared.store_queue,
                readers: shared.store_readers,
            };
            let opened = Store::open(&store_options, migrations, clock.as_ref()).await;
            let store = opened.map_err(|error| StartError::Store(name, error))?;
            let context = Context {
                store: store.clone(),
                clock: Arc::clone(&clock),
                calendar: calendar.clone(),
                pager: pager.clone(),
                verifier: Arc::clone(&verifier),
                stop: stop.clone(),
            };
            Ok::<_, StartError>((context, store, switchboard.channel(name)))
        };

        /// Opens the store of a context and composes it.
        macro_rules! compose {
            ($context:ident, $config:expr) => {{
                let (context, store, channel) = open($context::NAME, $context::MIGRATIONS).await?;
                let service = $context::build(context, channel, $config)
                    .await
                    .map_err(|failure| StartError::Service($context::NAME, failure))?;
                Composed { service, topic: $context::TOPIC, store }
            }};
        }
        let user_config = bojagi_user::Config { mailbox_folder: folder.mailbox(), ..settings.user };
        let contexts = [
            compose!(bojagi_user, user_config),
            compose!(bojagi_item, settings.item),
            compose!(bojagi_coupon, settings.coupon),
            compose!(bojagi_order, settings.order),
            compose!(bojagi_payment, settings.payment),
            compose!(bojagi_settlement, settings.settlement),
        ];
        let users = contexts[0].store.clone();

        let work = TaskTracker::new();
        run(contexts, kafka, &switchboard, &clock, &stop, &work);
        work.spawn({
            let (channel, stop) = (switchboard.channel("gateway"), stop.clone());
            async move { tokens::follow(&verifier, channel, stop).await }
        });

        let address = bound.local_addr();
        let (running, drained) = (bound.running(), CancellationToken::new());
        let gateway = tokio::spawn(serve(bound, stop.clone(), drained.clone()));
        readiness.set_serving(true);
        let stop_within = Duration::from_secs(shared.stop_seconds);
        Ok(Self { address, folder, switchboard, users, clock, stop, work, running, drained, gateway, stop_within })
    }

    /// Where the gateway listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The gateway, for an admin port.
    #[must_use]
    pub fn gateway(&self) -> RunningGateway {
        self.running.clone()
    }

    /// Ends when the gateway has drained, because the mesh stops or because an operator asked for it.
    pub async fn drained(&self) {
        self.drained.cancelled().await;
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// All services of the mesh, for callers in the same process.
    #[must_use]
    pub const fn switchboard(&self) -> &Switchboard {
        &self.switchboard
    }

    /// Makes the account with this address an admin.
    ///
    /// # Errors
    /// When there is no such account, or the store fails.
    pub async fn grant_admin(&self, email: &str) -> Result<(), Failure> {
        bojagi_user::grant_admin(&self.users, self.clock.as_ref(), email).await.map(drop)
    }

    /// Ends the mesh: no new calls, running ones finish, then the tasks end and the stores close. False when some of it
    /// took longer than it may.
    pub async fn stop(self) -> bool {
        self.stop.cancel();
        self.work.close();
        let ended = async {
            let gateway = self.gateway.await;
            self.work.wait().await;
            gateway.is_ok()
        };
        tokio::time::timeout(self.stop_within, ended).await.unwrap_or(false)
    }
}

async fn serve(bound: BoundGateway, stop: CancellationToken, drained: CancellationToken) {
    let _drained = drained.drop_guard();
    bound.serve(stop.cancelled_owned()).await;
}

/// Connects the services and lets consumers and tasks run.
fn run(
    contexts: [Composed; 6],
    kafka: KafkaConfig,
    switchboard: &Switchboard,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
    work: &TaskTracker,
) {
    let mut contexts = contexts;
    let handlers = contexts.iter_mut().flat_map(|context| std::mem::take(&mut context.service.handlers));
    let first = switchboard.connect(handlers.collect::<Vec<_>>());
    debug_assert!(first, "a switchboard is connected once");

    let logs: Vec<_> = contexts.iter().map(|context| EmbeddedLog::new(context.topic, context.store.clone())).collect();
    let pruned = contexts.iter().zip(&logs).map(|(context, log)| (log.clone(), context.store.clone())).collect();
    let over_kafka = kafka.is_used();
    let transport: Box<dyn Transport> =
        if over_kafka { Box::new(Kafka::new(kafka)) } else { Box::new(EmbeddedLogs::new(logs)) };
    let mut followers = Vec::new();
    for Composed { service, topic, store } in contexts {
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
