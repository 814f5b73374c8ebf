//! A process in a test.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bojagi_api::policy::Role;
use bojagi_chassis::channel::Channel;
use bojagi_chassis::tokens::Verifier;
use bojagi_chassis::{Context, Pager, Service, Switchboard};
use bojagi_events::{Consumer, EmbeddedLog, EmbeddedLogs, Transport};
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Clock, ManualClock, Moment, ShopCalendar};
use bojagi_store::{Database, Error, Migration, Options, Store, Tx, copy_to_file, idempotency};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{AccountChannel, Place, Publisher, TestAccount, TestKey, eventually};

const PUBLISHER_MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
];

/// Contexts over stores in a place of their own, with a clock that stands still at 2026-03-02T03:00:00Z (noon in Seoul).
pub struct Rig {
    /// The time, for everything in the rig.
    pub clock: Arc<ManualClock>,
    /// Signs the tokens of [`calling_as`](Self::calling_as).
    pub key: TestKey,
    /// Verifies them.
    pub verifier: Arc<Verifier>,
    /// All services.
    pub switchboard: Switchboard,
    /// Cancelled when the rig goes.
    pub stop: CancellationToken,
    stores: Mutex<HashMap<&'static str, Store>>,
    /// Those of the rig that this one is beside, as far as they are files: a file has one writer.
    shared: HashMap<&'static str, Store>,
    /// What is told elsewhere and heard here.
    logs: Mutex<Vec<EmbeddedLog>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Goes last, after the stores in it.
    place: Arc<Place>,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// An empty rig.
    ///
    /// # Panics
    /// When there is no place for a temporary folder.
    #[must_use]
    pub fn new() -> Self {
        let noon_in_seoul = Moment::from_micros(1_772_420_400_000_000);
        Self::on(Arc::new(Place::as_configured()), Arc::new(ManualClock::at(noon_in_seoul)))
    }

    fn on(place: Arc<Place>, clock: Arc<ManualClock>) -> Self {
        let key = TestKey::from_seed(7);
        let verifier = Arc::new(Verifier::new(Arc::clone(&clock) as Arc<dyn Clock>));
        verifier.set_keys([(TestKey::ID, key.public())]);
        Self {
            clock,
            key,
            verifier,
            switchboard: Switchboard::default(),
            stop: CancellationToken::new(),
            stores: Mutex::default(),
            shared: HashMap::new(),
            logs: Mutex::default(),
            tasks: Mutex::default(),
            place,
        }
    }

    /// Another process on the same stores at the same time. On a server it opens them for itself; those in files that are
    /// open here it shares, because a file belongs to one process.
    ///
    /// # Panics
    /// Never, unless another thread panicked here.
    #[must_use]
    pub fn beside(&self) -> Self {
        let on_a_server = self.place.server().is_some();
        let mut beside = Self::on(Arc::clone(&self.place), Arc::clone(&self.clock));
        if !on_a_server {
            beside.shared = self.stores.lock().unwrap().clone();
        }
        beside
    }

    /// Ends all connections to the stores, as a restart of their server would. Answers how many there were; none when the
    /// stores are files.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn cut_connections(&self) -> u64 {
        self.place.cut_connections().await
    }

    /// Waits until every store that is open here answers again: for a quarter of a second after connecting failed it is not
    /// tried again.
    ///
    /// # Panics
    /// When one still does not after 90 seconds.
    pub async fn until_stores_answer(&self) {
        let stores: Vec<Store> = self.stores.lock().unwrap().values().cloned().collect();
        let look = async |tx: &mut Tx| tx.fetch_one("SELECT CAST(1 AS BIGINT)", &[]).await;
        for store in stores {
            eventually("a store answers", async || {
                // Each goes to another connection, of which a store has two for reading.
                let answers: [Result<(i64,), Error>; 3] =
                    tokio::join!(store.read(look), store.read(look), store.write(look)).into();
                answers.iter().all(Result::is_ok)
            })
            .await;
        }
    }

    /// The temporary folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.place.folder()
    }

    /// What a context is given; its store is the one of that name in the place of the rig.
    ///
    /// # Panics
    /// When the store cannot be opened.
    pub async fn context(&self, name: &'static str, migrations: &'static [Migration]) -> Context {
        let options = self.place.store(name);
        let store = match self.shared.get(name) {
            Some(store) => store.clone(),
            None => Store::open(&options, migrations, self.clock.as_ref()).await.unwrap(),
        };
        self.stores.lock().unwrap().insert(name, store.clone());
        Context {
            store,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            calendar: ShopCalendar::seoul(),
            pager: Pager::new([9; 32]),
            verifier: Arc::clone(&self.verifier),
            stop: self.stop.clone(),
        }
    }

    /// The store of a context that was asked for.
    ///
    /// # Panics
    /// When [`context`](Self::context) was not called for it.
    #[must_use]
    pub fn store(&self, name: &str) -> Store {
        self.stores.lock().unwrap()[name].clone()
    }

    /// What a store holds now, in SQLite: for a look at it with statements that only SQLite knows. In files it is the store
    /// itself.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub async fn in_sqlite(&self, name: &str, migrations: &'static [Migration]) -> Store {
        match self.place.store(name).database {
            Database::Sqlite(_) => self.store(name),
            Database::Postgres(server) => {
                let path = self.folder().join(format!("{name}-{}.sqlite", Uuid::now_v7()));
                copy_to_file(&server, &path).await.unwrap();
                Store::open(&Options::at(&path), migrations, self.clock.as_ref()).await.unwrap()
            }
        }
    }

    /// A fake context that tells `topic`; ask for it before [`start`](Self::start), so that it is followed.
    ///
    /// # Panics
    /// When its store cannot be opened.
    pub async fn publisher(&self, topic: &'static str) -> Publisher {
        let options = self.place.store(topic);
        let store = Store::open(&options, PUBLISHER_MIGRATIONS, self.clock.as_ref()).await.unwrap();
        let publisher = Publisher { topic, store, clock: Arc::clone(&self.clock) };
        self.follow(publisher.log());
        publisher
    }

    /// Hears also what is told elsewhere: by a publisher or a context of another rig. Ask for it before
    /// [`start`](Self::start).
    ///
    /// # Panics
    /// Never, unless another thread panicked here.
    pub fn follow(&self, log: EmbeddedLog) {
        self.logs.lock().unwrap().push(log);
    }

    /// Connects the services, each with the topic it tells, and lets their consumers and tasks run. Topics that nobody in
    /// the rig tells are not followed.
    ///
    /// # Panics
    /// When it is called twice.
    pub async fn start(&self, services: impl IntoIterator<Item = (Service, &'static str)>) {
        let mut services: Vec<_> = services.into_iter().collect();
        let handlers = services.iter_mut().flat_map(|(service, _)| std::mem::take(&mut service.handlers));
        assert!(self.switchboard.connect(handlers.collect::<Vec<_>>()), "a rig starts once");

        let mut logs = self.logs.lock().unwrap().clone();
        logs.extend(services.iter().map(|(service, topic)| EmbeddedLog::new(topic, self.store(service.name))));
        let transport = EmbeddedLogs::new(logs);
        let mut tasks = self.tasks.lock().unwrap();
        for (service, _) in services {
            let store = self.store(service.name);
            for subscription in service.subscriptions {
                let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
                let consumer = Consumer::new(subscription.hears, store.clone(), clock);
                tasks.push(tokio::spawn(transport.deliver(consumer, subscription.topics, self.stop.clone())));
            }
            tasks.extend(service.tasks.into_iter().map(tokio::spawn));
        }
    }

    /// How a context of the rig calls others. Fakes of others are services too:
    /// `Service::new("item", &context).answers(StockServiceServer::new(fake))`.
    #[must_use]
    pub fn channel(&self, workload: &'static str) -> Channel {
        self.switchboard.channel(workload)
    }

    /// Calls as another context.
    #[must_use]
    pub fn workload(&self, workload: &'static str) -> Channel {
        self.switchboard.channel(workload)
    }

    /// A new account with these roles.
    #[must_use]
    pub fn account(&self, roles: &[Role]) -> TestAccount {
        TestAccount { account_id: AccountId::generate(), session_id: Uuid::now_v7(), roles: roles.to_vec() }
    }

    /// Calls as an account, with a fresh token each time.
    #[must_use]
    pub fn calling_as(&self, account: &TestAccount) -> AccountChannel {
        let (key, account, clock) = (self.key.clone(), account.clone(), Arc::clone(&self.clock));
        self.calling_with(move || Some(key.token(&account, clock.now())))
    }

    /// Calls as nobody.
    #[must_use]
    pub fn anonymous(&self) -> AccountChannel {
        self.calling_with(|| None)
    }

    /// Calls with whatever token.
    #[must_use]
    pub fn calling_with(&self, token: impl Fn() -> Option<String> + Send + Sync + 'static) -> AccountChannel {
        AccountChannel { entrance: self.switchboard.entrance(), token: Arc::new(token) }
    }

    /// Ends everything without a goodbye; answers an empty rig on the same stores at the same time.
    pub async fn crash(self) -> Self {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            // Either it was aborted or it had ended.
            drop(task.await);
        }
        Self::on(Arc::clone(&self.place), Arc::clone(&self.clock))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
        for task in self.tasks.lock().unwrap().drain(..) {
            task.abort();
        }
    }
}
