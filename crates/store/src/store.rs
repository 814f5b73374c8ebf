//! The store of one context.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bojagi_kernel::Clock;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::recent::Recent;
use crate::sqlite::{Announcer, Readers, Writer};
use crate::{Announced, Error, Migration, Tx, migrate};

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file; it is created when it is not there.
    pub path: PathBuf,
    /// How many units of work may wait to be written before callers are refused.
    pub queue: usize,
    /// How many reads may go on at once.
    pub readers: usize,
}

impl Options {
    /// A store at `path` with the default limits: 16,384 units waiting, 2 reads at once.
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), queue: 16_384, readers: 2 }
    }
}

/// A database that belongs to one context. Clones are handles to the same store; the last one to go closes it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    writer: Writer,
    readers: Readers,
    announcements: watch::Receiver<u64>,
    recent: Arc<RwLock<Recent>>,
}

impl Store {
    /// Opens the store and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, or a migration cannot be applied.
    pub async fn open(options: &Options, migrations: &'static [Migration], clock: &dyn Clock) -> Result<Self, Error> {
        let (count, announcements) = watch::channel(0);
        let recent = Arc::<RwLock<Recent>>::default();
        let announcer = Announcer { count, recent: Arc::clone(&recent) };
        let writer = Writer::start(&options.path, options.queue, announcer)?;
        let now = clock.now();
        writer.run(async move |tx: &mut Tx| migrate::apply(tx, migrations, now).await).await?;
        // Only now are all indexes there whose names the writer has to know.
        writer.run(async |tx: &mut Tx| tx.session.learn_constraint_names()).await?;
        let readers = Readers::new(&options.path, options.readers);
        Ok(Self(Arc::new(Inner { writer, readers, announcements, recent })))
    }

    /// Runs a unit of work. When it answers, the unit is on disk; when it answers an error, nothing of it happened.
    ///
    /// # Errors
    /// What the unit answers, or why it could not be run or committed.
    pub async fn write<T, E>(&self, unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.0.writer.run(unit).await
    }

    /// Runs statements that only read; all of them see the same snapshot.
    ///
    /// # Errors
    /// What the closure answers, or why it could not be run.
    pub async fn read<T, E>(&self, unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.0.readers.run(unit).await
    }

    /// The position of the latest fact of any of these kinds that was committed since the store was opened, or 0.
    #[must_use]
    pub fn latest_fact<'a>(&self, kinds: impl IntoIterator<Item = &'a str>) -> i64 {
        self.0.recent.read().latest(kinds)
    }

    /// Shows `look` every fact that was committed after `position`, in order, until it answers false. Answers whether it
    /// could: false means that not all of them are in memory any more, and the database has to be asked.
    #[must_use]
    pub fn recent_facts(&self, position: i64, look: impl FnMut(&Announced) -> bool) -> bool {
        self.0.recent.read().after(position, look)
    }

    /// Changes after each commit that holds a unit which called [`Tx::announce`] or [`Tx::announce_fact`].
    #[must_use]
    pub fn announcements(&self) -> watch::Receiver<u64> {
        self.0.announcements.clone()
    }
}
