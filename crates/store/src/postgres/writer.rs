//! The writer thread: whole units of work, in order of arrival, as many to a commit as are waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bojagi_telemetry::TraceContext;
use futures::future::LocalBoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use super::listener::{self, Channel};
use super::session::Session;
use super::unit::run_to_end;
use crate::announcer::Announcer;
use crate::session::Session as AnySession;
use crate::{Error, Tx};

/// Units that go into one commit at most. Each that writes is a subtransaction, and a server keeps 64 of one transaction
/// at hand; with more, everybody else's statements have to look them up.
const UNITS_A_COMMIT: usize = 48;

/// Runs on the writer thread inside the transaction; answers what is left to do once the commit is decided.
type Job = Box<dyn for<'a> FnOnce(&'a mut Tx) -> LocalBoxFuture<'a, Option<Answer>> + Send>;
/// Tells the caller; the error says why the commit failed.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// A handle to the writer thread of one store. The thread ends when the handle is dropped and the queue is empty.
pub(crate) struct Writer {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(options: &PostgresOptions, queue: usize, announcer: Announcer) -> Result<Self, Error> {
        let connector = Arc::new(Connector::new(options)?);
        let runtime = super::runtime()?;
        let (jobs, inbox) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let worker = Worker {
            tx: Tx::new(Session::new(Arc::clone(&connector), Purpose::Writing)),
            inbox,
            waiting: Arc::clone(&waiting),
            channel: Channel::of(options),
            announcer: announcer.clone(),
        };
        let channel = worker.channel.clone();
        let thread = std::thread::Builder::new()
            .name(format!("{}-writer", options.name()))
            .spawn(move || {
                runtime.block_on(async {
                    tokio::spawn(listener::listen(connector, channel, announcer));
                    worker.work().await;
                });
            })
            .map_err(|error| Error::Database(format!("the writer thread did not start: {error}")))?;
        Ok(Self { jobs: Some(jobs), waiting, queue, thread: Some(thread) })
    }

    pub(crate) async fn run<T, E>(
        &self,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answered) = oneshot::channel();
        let trace = TraceContext::current();
        let job: Job = Box::new(move |tx| {
            Box::pin(async move {
                // The caller has gone before its unit began: it takes it back.
                if reply.is_closed() {
                    return None;
                }
                tx.trace = trace;
                let outcome = run_unit(unit, tx).await;
                Some(Box::new(move |committed| {
                    let outcome = match committed {
                        Ok(()) => outcome,
                        Err(error) => outcome.and(Err(E::from(error))),
                    };
                    // A caller that has gone meanwhile misses the answer; what is committed stays.
                    drop(reply.send(outcome));
                }) as Answer)
            })
        });

        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.queue {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Overloaded.into());
        }
        if self.jobs.as_ref().is_none_or(|jobs| jobs.send(job).is_err()) {
            return Err(Error::Closed.into());
        }
        answered.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        let Some(thread) = self.thread.take() else { return };
        // The last handle can be dropped by the writer thread itself, at the end of a unit that held one.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("a writer thread panicked");
        }
    }
}

async fn run_unit<T, E: From<Error>>(unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E>, tx: &mut Tx) -> Result<T, E> {
    let (announced_before, told_before) = (tx.announced, tx.told.len());
    let outcome = run_to_end(unit, tx).await;
    let ended = if tx.session.lost_transaction() { Ok(()) } else { tx.session.end_unit(outcome.is_ok()) };
    let outcome = ended.map_err(E::from).and(outcome);
    if outcome.is_err() {
        tx.announced = announced_before;
        tx.told.truncate(told_before);
    }
    outcome
}

/// What the writer thread works with.
struct Worker {
    tx: Tx,
    inbox: mpsc::UnboundedReceiver<Job>,
    waiting: Arc<AtomicUsize>,
    channel: Channel,
    announcer: Announcer,
}

impl Worker {
    async fn work(mut self) {
        let mut answers: Vec<Answer> = Vec::with_capacity(UNITS_A_COMMIT);
        while let Some(first) = self.inbox.recv().await {
            let mut next = Some(first);
            while let Some(job) = next {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                answers.extend(job(&mut self.tx).await);
                if self.tx.session.lost_transaction() {
                    self.lose(&mut answers);
                }
                next = if answers.len() < UNITS_A_COMMIT { self.inbox.try_recv().ok() } else { None };
            }
            self.commit(&mut answers).await;
        }
    }

    fn lose(&mut self, answers: &mut Vec<Answer>) {
        self.tx.session.rollback();
        self.tx.announced = false;
        self.tx.told.clear();
        let lost = Error::NotCommitted("the connection to the database broke".into());
        answers.drain(..).for_each(|answer| answer(Err(lost.clone())));
    }

    async fn commit(&mut self, answers: &mut Vec<Answer>) {
        let AnySession::Postgres(session) = &mut self.tx.session else { return };
        let committed = session.commit().await;
        if let Err(error) = &committed {
            tracing::error!(%error, units = answers.len(), "a commit failed");
        }
        if std::mem::take(&mut self.tx.announced) && committed.is_ok() {
            let told = || self.tx.told.iter().map(|fact| (fact.kind, fact.position));
            self.announcer.announce_positions(told());
            session.notify(self.channel.name(), &self.channel.message(told()));
        }
        self.tx.told.clear();
        answers.drain(..).for_each(|answer| answer(committed.clone()));
    }
}
