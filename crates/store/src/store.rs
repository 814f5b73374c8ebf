//! The store of one context.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bojagi_kernel::Clock;
use bojagi_telemetry::TraceContext;
use tokio::sync::watch;

use crate::announcer::Announcer;
use crate::lock::Locks;
use crate::spans::{Spans, Told};
use crate::{Announced, Error, LockKey, Migration, PostgresOptions, Reason, Tx, migrate, postgres, sqlite};

/// What the two kinds of units are called in traces.
const WRITE: &str = "write";
const READ: &str = "read";

/// Where a store is.
#[derive(Debug, Clone)]
pub enum Database {
    /// In a file of its own; it is created when it is not there.
    Sqlite(PathBuf),
    /// On a PostgreSQL server, where any number of processes may share it.
    Postgres(Box<PostgresOptions>),
}

impl Database {
    /// What a store is called: the name of its file, or of database and schema.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Sqlite(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Postgres(server) => server.name(),
        }
    }
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is.
    pub database: Database,
    /// How many units of work may wait to be written before callers are refused.
    pub queue: usize,
    /// How many reads may go on at once; a connection each.
    pub readers: usize,
    /// The service in whose name its units are told in traces; without one they are not.
    pub service: Option<&'static str>,
}

impl Options {
    /// A store in the file at `path` with the default limits: 16,384 units waiting, 2 reads at once.
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self::on(Database::Sqlite(path.as_ref().to_owned()))
    }

    /// A store on this database with the default limits: 16,384 units waiting, 2 reads at once.
    #[must_use]
    pub const fn on(database: Database) -> Self {
        Self { database, queue: 16_384, readers: 2, service: None }
    }
}

/// A database that belongs to one context. Clones are handles to the same store; the last one to go closes it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    backend: Backend,
    spans: Spans,
    announcer: Announcer,
    announcements: watch::Receiver<u64>,
}

enum Backend {
    Sqlite { writer: sqlite::Writer, readers: sqlite::Readers },
    Postgres { writer: postgres::Writer, readers: postgres::Readers, replica: Option<postgres::Readers> },
}

impl Store {
    /// Opens the store and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened or the server cannot be reached, or a migration cannot be applied.
    pub async fn open(options: &Options, migrations: &'static [Migration], clock: &dyn Clock) -> Result<Self, Error> {
        let announcer = Announcer::new();
        let announcements = announcer.subscribe();
        let backend = Backend::start(options, announcer.clone()).await?;
        let store = Self(Arc::new(Inner { backend, spans: Spans::of(options), announcer, announcements }));
        let now = clock.now();
        let begun = store.write(async move |tx: &mut Tx| migrate::begin(tx, migrations, now).await).await?;
        if let migrate::Missing::Steps(steps) = begun {
            migrate::apply(&store, steps, now).await?;
        }
        // Only now are all indexes there whose names the writer has to know.
        store.write(async |tx: &mut Tx| tx.session.learn_constraint_names()).await?;
        Ok(store)
    }

    /// Whether other processes may work on the same store: always on a server, never in a file.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.0.backend, Backend::Postgres { .. })
    }

    /// Runs a unit of work, and no other at the same time. When it answers, the unit is on disk; when it answers an error,
    /// nothing of it happened, unless the error is [`Error::OutcomeUnknown`].
    ///
    /// # Errors
    /// What the unit answers, or why it could not be run or committed.
    pub async fn write<T, E>(&self, unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: Reason,
    {
        self.run(|| Locks::Store, unit).await
    }

    /// The same for a unit that concerns only what these keys stand for. On PostgreSQL it runs side by side with units that lock
    /// other keys, and after those that lock one of the same: so it may read and then write what belongs to its keys. What
    /// belongs to no key of it, it may read only if nothing depends on its staying as it is, and change only by one statement
    /// that says on which condition, and in an order in which nobody else comes the other way round.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_locking<T, E>(
        &self,
        keys: impl IntoIterator<Item = LockKey>,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Reason,
    {
        self.run(|| Locks::keys(keys), unit).await
    }

    async fn run<T, E>(
        &self,
        locks: impl FnOnce() -> Locks,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Reason,
    {
        let trace = TraceContext::current();
        let told = self.0.spans.begin(WRITE, trace.as_ref());
        told.ended(match &self.0.backend {
            // A file has one writer, whatever a unit locks.
            Backend::Sqlite { writer, .. } => writer.run(unit, trace).await,
            Backend::Postgres { writer, .. } => writer.run(locks(), unit, trace).await,
        })
    }

    /// A unit is asked for that is run together with others, in the trace of its caller.
    pub(crate) fn told_write(&self, trace: Option<&TraceContext>) -> Told {
        self.0.spans.begin(WRITE, trace)
    }

    /// Runs statements that only read; all of them see the same snapshot.
    ///
    /// # Errors
    /// What the closure answers, or why it could not be run.
    pub async fn read<T, E>(&self, unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: Reason,
    {
        let trace = TraceContext::current();
        let told = self.0.spans.begin(READ, trace.as_ref());
        told.ended(match &self.0.backend {
            Backend::Sqlite { readers, .. } => readers.run(unit, trace).await,
            Backend::Postgres { readers, .. } => readers.run(unit, trace).await,
        })
    }

    /// The same for reads that only show: they go to the replica if there is one that can be reached, and what they see may
    /// be a moment old. Nothing is decided by them, and nobody asks this way for what was just written.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn show<T, E>(&self, unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: Reason,
    {
        match &self.0.backend {
            Backend::Postgres { replica: Some(replica), .. } if replica.can_be_reached() => {
                let trace = TraceContext::current();
                let told = self.0.spans.begin(READ, trace.as_ref());
                told.ended(replica.run(unit, trace).await)
            }
            _ => self.read(unit).await,
        }
    }

    /// The position of the latest fact of any of these kinds that was committed since the store was opened, or 0.
    #[must_use]
    pub fn latest_fact<'a>(&self, kinds: impl IntoIterator<Item = &'a str>) -> i64 {
        self.0.announcer.latest(kinds)
    }

    /// Shows `look` every fact that was committed after `position`, in order, until it answers false. Answers whether it
    /// could: false means that not all of them are in memory any more, or that other processes tell in the same store, and
    /// the database has to be asked.
    #[must_use]
    pub fn recent_facts(&self, position: i64, look: impl FnMut(&Announced) -> bool) -> bool {
        self.0.announcer.recent_facts(position, look)
    }

    /// Changes after each commit that holds a unit which called [`Tx::announce`] or [`Tx::append`], in this process
    /// or, on PostgreSQL, in another one on the same store.
    #[must_use]
    pub fn announcements(&self) -> watch::Receiver<u64> {
        self.0.announcements.clone()
    }
}

impl Backend {
    async fn start(options: &Options, announcer: Announcer) -> Result<Self, Error> {
        Ok(match &options.database {
            Database::Sqlite(path) => Self::Sqlite {
                writer: sqlite::Writer::start(path, &options.database.name(), options.queue, announcer)?,
                readers: sqlite::Readers::new(path, options.readers),
            },
            Database::Postgres(server) => {
                postgres::prepare_schema(server).await?;
                Self::Postgres {
                    writer: postgres::Writer::start(server, options.queue, announcer)?,
                    readers: postgres::Readers::start(server, options.queue, options.readers)?,
                    replica: postgres::Readers::of_replica(server, options.queue, options.readers)?,
                }
            }
        })
    }
}
