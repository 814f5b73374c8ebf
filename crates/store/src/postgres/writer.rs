//! The writer thread: units of work in order of arrival, several to a commit, on several connections as far as they lock
//! different keys.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bojagi_telemetry::TraceContext;
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use super::listener::{self, Channel};
use super::session::Session;
use super::unit::run_to_end;
use crate::announcer::Announcer;
use crate::counted::{self, Commits};
use crate::lock::Locks;
use crate::queue::{Answer, Inbox, Line, Queue, answer_once_committed};
use crate::session::Session as AnySession;
use crate::{Error, Tx};

/// Units that go into one commit at most. Each that writes is a subtransaction, and a server keeps 64 of one transaction
/// at hand; with more, everybody else's statements have to look them up.
const UNITS_A_COMMIT: usize = 48;
/// How long the journeys of units may take that wait together for the end of a transaction, before another is begun for them.
const MAY_WAIT: Duration = Duration::from_millis(5);
/// Journeys of most units, and the shortest time that one is taken to last.
const JOURNEYS_OF_A_UNIT: u32 = 3;
const SHORTEST: Duration = Duration::from_micros(50);
/// How often other processes are notified; what is told between is told together.
const TELLS_EVERY: Duration = Duration::from_millis(20);
/// How long a transaction may take, whatever holds it up, before another is begun for what waits.
const PATIENCE: Duration = Duration::from_millis(50);

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
        let work = move |inbox: Inbox<Job>| {
            runtime.block_on(async {
                tokio::spawn(listener::listen(Arc::clone(&connector), channel.clone(), announcer.clone()));
                let (jobs, line) = inbox.into_line();
                let line = Rc::new(line);
                let free = (0..writers).map(|_| Worker {
                    tx: Tx::new(Session::new(Arc::clone(&connector), Purpose::Writing)),
                    line: Rc::clone(&line),
                    told: None,
                    announcer: announcer.clone(),
                    commits: Commits::of(&name),
                });
                let free = free.collect();
                let running = FuturesUnordered::new();
                let dispatcher = Dispatcher {
                    line,
                    connector,
                    channel,
                    free,
                    running,
                    alone: false,
                    since: Instant::now(),
                    untold: BTreeMap::new(),
                    wakes: false,
                    may_tell_at: Instant::now(),
                };
                dispatcher.work(jobs).await;
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

/// Gives what waits to connections that are free.
struct Dispatcher {
    line: Rc<Line<Job>>,
    connector: Arc<Connector>,
    channel: Channel,
    /// Connections that have nothing to do, with what they work with.
    free: Vec<Worker>,
    running: FuturesUnordered<LocalBoxFuture<'static, Worker>>,
    /// Whether the transaction that runs locks the whole store.
    alone: bool,
    /// Since when the transaction runs that was begun last.
    since: Instant,
    /// What other processes were not told yet, whether there is anything to tell them, and when they may be told again.
    untold: BTreeMap<&'static str, i64>,
    wakes: bool,
    may_tell_at: Instant,
}

impl Dispatcher {
    async fn work(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        let mut open = true;
        while open || self.line.len() > 0 || !self.running.is_empty() {
            while let Ok(job) = jobs.try_recv() {
                self.line.push(job);
            }
            self.tell_others();
            self.begin_what_can_begin();
            let waits = self.line.len() > 0 && !self.free.is_empty() && !self.running.is_empty();
            let (patient, patience_ends) = (waits && self.since.elapsed() < PATIENCE, self.since + PATIENCE);
            let (tells, may_tell_at) = (self.wakes && !self.free.is_empty(), self.may_tell_at);
            tokio::select! {
                job = jobs.recv(), if open => match job {
                    Some(job) => self.line.push(job),
                    None => open = false,
                },
                Some(mut worker) = self.running.next() => {
                    self.wakes |= worker.take_told(&mut self.untold);
                    self.free.push(worker);
                    self.alone = false;
                }
                () = sleep_until(may_tell_at.into()), if tells => {}
                () = sleep_until(patience_ends.into()), if patient => {}
            }
        }
    }

    /// Notifies other processes of what was committed, but not too often: each notification wakes all of them.
    fn tell_others(&mut self) {
        if self.wakes
            && Instant::now() >= self.may_tell_at
            && let Some(worker) = self.free.last()
            && let AnySession::Postgres(session) = &worker.tx.session
        {
            let told = std::mem::take(&mut self.untold);
            session.notify(self.channel.name(), &self.channel.message(told.into_iter()));
            self.wakes = false;
            self.may_tell_at = Instant::now() + TELLS_EVERY;
        }
    }

    fn begin_what_can_begin(&mut self) {
        let is_near = self.connector.is_near();
        while let Some(locks) = self.line.first(|job| if is_near { Locks::Store } else { job.locks.clone() }) {
            let can_begin = match locks {
                // On the server it would wait for those that run, and others for it.
                Locks::Store => self.running.is_empty(),
                Locks::Keys(_) => self.running.is_empty() || (!self.alone && self.is_worth_another()),
            };
            let Some(worker) = self.free.pop_if(|_| can_begin) else { return };
            let most = match locks {
                Locks::Store => UNITS_A_COMMIT,
                // So that the others have something to do too.
                Locks::Keys(_) => self.enough().max(self.line.len() / (self.free.len() + 1)).min(UNITS_A_COMMIT),
            };
            let batch = Batch::of(&self.line, locks, most);
            (self.alone, self.since) = (batch.locks == Locks::Store, Instant::now());
            self.running.push(Box::pin(worker.run(batch)));
        }
    }

    /// Units of one transaction share its flush, its commit and the waking of those that follow, so where a journey costs
    /// little they are better done together than side by side. Where it costs much, waiting for those of others costs more.
    fn is_worth_another(&self) -> bool {
        self.line.len() >= self.enough() || self.since.elapsed() >= PATIENCE
    }

    /// Units whose journeys take about as long as a unit may be made to wait.
    fn enough(&self) -> usize {
        let journeys = self.connector.journey().unwrap_or_default().max(SHORTEST) * JOURNEYS_OF_A_UNIT;
        usize::try_from(MAY_WAIT.as_nanos() / journeys.as_nanos()).unwrap_or(UNITS_A_COMMIT).clamp(1, UNITS_A_COMMIT)
    }
}

/// Units of one transaction.
struct Batch {
    locks: Locks,
    units: VecDeque<Run>,
}

impl Batch {
    /// Begins with what comes first, which locks this, and takes what can be done with it.
    fn of(line: &Line<Job>, locks: Locks, most: usize) -> Self {
        let mut batch = Self { locks, units: line.take().map(|job| job.run).into_iter().collect() };
        while batch.units.len() < most
            && let Some(locks) = line.first(|job| batch.locks.with(&job.locks)).flatten()
            && let Some(job) = line.take()
        {
            batch.locks = locks;
            batch.units.push_back(job.run);
        }
        batch
    }
}

/// One connection, and what it works with.
struct Worker {
    tx: Tx,
    line: Rc<Line<Job>>,
    /// What its last transaction told, if it told something.
    told: Option<Vec<(&'static str, i64)>>,
    announcer: Announcer,
    commits: Commits,
}

impl Worker {
    async fn run(mut self, mut batch: Batch) -> Self {
        let mut answers: Vec<Answer> = Vec::with_capacity(UNITS_A_COMMIT);
        if let AnySession::Postgres(session) = &mut self.tx.session {
            session.lock(&batch.locks);
            if batch.units.len() == 1 && batch.locks != Locks::Store {
                session.expect_one_unit();
            }
        }
        while let Some(unit) = batch.units.pop_front() {
            answers.extend(unit(&mut self.tx).await);
            if self.tx.session.lost_transaction() {
                self.lose(&mut answers);
            }
            // Nobody else can do anything meanwhile, so what has come is done as well.
            if batch.locks == Locks::Store && batch.units.is_empty() && answers.len() < UNITS_A_COMMIT {
                batch.units.extend(self.line.take().map(|job| job.run));
            }
        }
        self.commit(&mut answers).await;
        self
    }

    /// Adds what was told to `untold`; answers whether something was.
    fn take_told(&mut self, untold: &mut BTreeMap<&'static str, i64>) -> bool {
        let Some(told) = self.told.take() else { return false };
        for (kind, position) in told {
            let latest = untold.entry(kind).or_insert(position);
            *latest = position.max(*latest);
        }
        true
    }

    fn lose(&mut self, answers: &mut Vec<Answer>) {
        // Who waited for a lock in vain has lost a turn, and not what was done.
        if let AnySession::Postgres(session) = &self.tx.session
            && !session.is_connected()
        {
            self.commits.lost();
        }
        self.tx.session.rollback();
        self.tx.forget_announcements();
        let lost = Error::NotCommitted("the connection to the database broke".into());
        answers.drain(..).for_each(|answer| answer(Err(lost.clone())));
    }

    async fn commit(&mut self, answers: &mut Vec<Answer>) {
        let AnySession::Postgres(session) = &mut self.tx.session else { return };
        let began = session.has_begun().then(Instant::now);
        let committed = session.commit(&self.tx.to_append).await;
        if let Some(began) = began {
            self.commits.ended(answers.len(), began, committed.is_ok());
        }
        match &committed {
            Ok(told) if self.tx.announced => {
                counted::told(self.tx.to_append.iter().map(|entry| entry.kind()));
                self.announcer.announce_positions(told.iter().copied());
                self.told = Some(told.clone());
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, units = answers.len(), "a commit failed"),
        }
        self.tx.forget_announcements();
        let committed = committed.map(drop);
        answers.drain(..).for_each(|answer| answer(committed.clone()));
    }
}
