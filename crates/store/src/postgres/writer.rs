//! The writer thread: units of work in order of arrival, several to a commit, on several connections as far as they lock
//! different keys.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bojagi_telemetry::TraceContext;
use futures::future::{LocalBoxFuture, join_all};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use super::listener::{self, Channel};
use super::session::Session;
use super::unit::run_to_end;
use crate::announcer::Announcer;
use crate::counted::{self, Commits};
use crate::lock::Locks;
use crate::queue::{Answer, Inbox, Queue, answer_once_committed};
use crate::session::Session as AnySession;
use crate::{Error, Tx};

/// Units that go into one commit at most. Each that writes is a subtransaction, and a server keeps 64 of one transaction
/// at hand; with more, everybody else's statements have to look them up.
const UNITS_A_COMMIT: usize = 48;

/// A unit that waits.
struct Job {
    locks: Locks,
    run: Run,
}

/// Runs on the writer thread inside the transaction; answers what is left to do once the commit is decided.
type Run = Box<dyn for<'a> FnOnce(&'a mut Tx) -> LocalBoxFuture<'a, Option<Answer>> + Send>;

/// A handle to the writer thread of one store.
pub(crate) struct Writer(Queue<Job>);

impl Writer {
    pub(crate) fn start(options: &PostgresOptions, queue: usize, announcer: Announcer) -> Result<Self, Error> {
        let connector = Arc::new(Connector::new(options)?);
        let runtime = super::runtime()?;
        let channel = Channel::of(options);
        let (name, writers) = (options.name(), options.writers.max(1));
        let work = move |inbox| {
            runtime.block_on(async {
                tokio::spawn(listener::listen(Arc::clone(&connector), channel.clone(), announcer.clone()));
                let idle = Rc::new(Cell::new(writers));
                let backlog = Rc::new(Mutex::new(Backlog { inbox, held_back: None, idle: Rc::clone(&idle) }));
                let alone = Arc::new(Mutex::new(()));
                let workers = (0..writers).map(|_| Worker {
                    tx: Tx::new(Session::new(Arc::clone(&connector), Purpose::Writing)),
                    backlog: Rc::clone(&backlog),
                    idle: Rc::clone(&idle),
                    alone: Arc::clone(&alone),
                    channel: channel.clone(),
                    announcer: announcer.clone(),
                    commits: Commits::of(&name),
                });
                join_all(workers.map(Worker::work)).await;
            });
        };
        Queue::start(format!("{}-writer", options.name()), queue, work).map(Self)
    }

    pub(crate) async fn run<T, E>(
        &self,
        locks: Locks,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        trace: Option<TraceContext>,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answered) = oneshot::channel();
        let run: Run = Box::new(move |tx| {
            Box::pin(async move {
                // The caller has gone before its unit began: it takes it back.
                if reply.is_closed() {
                    return None;
                }
                tx.trace = trace;
                let outcome = run_unit(unit, tx).await;
                Some(answer_once_committed(reply, outcome))
            })
        });
        self.0.ask(Job { locks, run }, answered).await
    }
}

async fn run_unit<T, E: From<Error>>(unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E>, tx: &mut Tx) -> Result<T, E> {
    let before = tx.announcements();
    let outcome = run_to_end(unit, tx).await;
    let settled = tx.session.settle_ahead().await;
    let outcome = outcome.and_then(|answer| settled.map(|()| answer).map_err(E::from));
    let ended = if tx.session.lost_transaction() { Ok(()) } else { tx.session.end_unit(outcome.is_ok()) };
    let outcome = ended.map_err(E::from).and(outcome);
    if outcome.is_err() {
        tx.take_back_announcements(before);
    }
    outcome
}

/// The units that wait, of which one worker at a time takes what it will do.
struct Backlog {
    inbox: Inbox<Job>,
    /// The unit that did not fit into the last batch.
    held_back: Option<Job>,
    /// Workers that have nothing to do.
    idle: Rc<Cell<usize>>,
}

/// Units of one transaction.
struct Batch {
    locks: Locks,
    units: Vec<Run>,
    /// Held while a transaction locks the whole store: what comes meanwhile is better done in one than in one a worker.
    _alone: Option<OwnedMutexGuard<()>>,
}

impl Backlog {
    /// Waits for units and takes those that one transaction can do: all that wait if they lock the whole store, or a fair share
    /// of them if they lock keys, so that the other workers have something to do too.
    async fn next_batch(&mut self, alone: &Arc<Mutex<()>>) -> Option<Batch> {
        let first = match self.held_back.take() {
            Some(job) => job,
            None => self.inbox.next().await?,
        };
        let (most, alone) = match first.locks {
            // Units that lock keys would have to wait for it on the server too.
            Locks::Store => (UNITS_A_COMMIT, Some(Arc::clone(alone).lock_owned().await)),
            Locks::Keys(_) => ((1 + self.inbox.waiting() / self.idle.get().max(1)).min(UNITS_A_COMMIT), None),
        };
        let mut batch = Batch { locks: first.locks, units: vec![first.run], _alone: alone };
        while batch.units.len() < most
            && let Some(next) = self.inbox.next_at_hand()
        {
            let Some(locks) = batch.locks.with(&next.locks) else {
                self.held_back = Some(next);
                break;
            };
            batch.locks = locks;
            batch.units.push(next.run);
        }
        Some(batch)
    }
}

/// One connection, and what it works with.
struct Worker {
    tx: Tx,
    backlog: Rc<Mutex<Backlog>>,
    idle: Rc<Cell<usize>>,
    alone: Arc<Mutex<()>>,
    channel: Channel,
    announcer: Announcer,
    commits: Commits,
}

impl Worker {
    async fn work(mut self) {
        let mut answers: Vec<Answer> = Vec::with_capacity(UNITS_A_COMMIT);
        while let Some(batch) = self.next_batch().await {
            self.idle.set(self.idle.get() - 1);
            if let AnySession::Postgres(session) = &mut self.tx.session {
                session.lock(&batch.locks);
            }
            for unit in batch.units {
                answers.extend(unit(&mut self.tx).await);
                if self.tx.session.lost_transaction() {
                    self.lose(&mut answers);
                }
            }
            self.commit(&mut answers).await;
            self.idle.set(self.idle.get() + 1);
        }
    }

    async fn next_batch(&self) -> Option<Batch> {
        self.backlog.lock().await.next_batch(&self.alone).await
    }

    fn lose(&mut self, answers: &mut Vec<Answer>) {
        self.tx.session.rollback();
        self.tx.forget_announcements();
        let lost = Error::NotCommitted("the connection to the database broke".into());
        answers.drain(..).for_each(|answer| answer(Err(lost.clone())));
    }

    async fn commit(&mut self, answers: &mut Vec<Answer>) {
        let AnySession::Postgres(session) = &mut self.tx.session else { return };
        let began = Instant::now();
        let committed = session.commit(&self.tx.to_append).await;
        self.commits.ended(answers.len(), began, committed.is_ok());
        match &committed {
            Ok(told) if self.tx.announced => {
                counted::told(self.tx.to_append.iter().map(|entry| entry.kind()));
                self.announcer.announce_positions(told.iter().copied());
                session.notify(self.channel.name(), &self.channel.message(told.iter().copied()));
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, units = answers.len(), "a commit failed"),
        }
        self.tx.forget_announcements();
        let committed = committed.map(drop);
        answers.drain(..).for_each(|answer| answer(committed.clone()));
    }
}
