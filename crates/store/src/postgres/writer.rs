//! The writer thread: whole units of work, in order of arrival, as many to a commit as are waiting.

use std::sync::Arc;
use std::time::Instant;

use bojagi_telemetry::TraceContext;
use futures::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use super::listener::{self, Channel};
use super::session::Session;
use super::unit::run_to_end;
use crate::announcer::Announcer;
use crate::counted::{self, Commits};
use crate::queue::{Answer, Inbox, Queue, answer_once_committed};
use crate::session::Session as AnySession;
use crate::{Error, Tx};

/// Units that go into one commit at most. Each that writes is a subtransaction, and a server keeps 64 of one transaction
/// at hand; with more, everybody else's statements have to look them up.
const UNITS_A_COMMIT: usize = 48;

/// Runs on the writer thread inside the transaction; answers what is left to do once the commit is decided.
type Job = Box<dyn for<'a> FnOnce(&'a mut Tx) -> LocalBoxFuture<'a, Option<Answer>> + Send>;

/// A handle to the writer thread of one store.
pub(crate) struct Writer(Queue<Job>);

impl Writer {
    pub(crate) fn start(options: &PostgresOptions, queue: usize, announcer: Announcer) -> Result<Self, Error> {
        let connector = Arc::new(Connector::new(options)?);
        let runtime = super::runtime()?;
        let channel = Channel::of(options);
        let commits = Commits::of(&options.name());
        let work = move |inbox| {
            runtime.block_on(async {
                tokio::spawn(listener::listen(Arc::clone(&connector), channel.clone(), announcer.clone()));
                let tx = Tx::new(Session::new(connector, Purpose::Writing));
                Worker { tx, inbox, channel, announcer, commits }.work().await;
            });
        };
        Queue::start(format!("{}-writer", options.name()), queue, work).map(Self)
    }

    pub(crate) async fn run<T, E>(
        &self,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        trace: Option<TraceContext>,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answered) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
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
        self.0.ask(job, answered).await
    }
}

async fn run_unit<T, E: From<Error>>(unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E>, tx: &mut Tx) -> Result<T, E> {
    let before = tx.announcements();
    let outcome = run_to_end(unit, tx).await;
    let ended = if tx.session.lost_transaction() { Ok(()) } else { tx.session.end_unit(outcome.is_ok()) };
    let outcome = ended.map_err(E::from).and(outcome);
    if outcome.is_err() {
        tx.take_back_announcements(before);
    }
    outcome
}

/// What the writer thread works with.
struct Worker {
    tx: Tx,
    inbox: Inbox<Job>,
    channel: Channel,
    announcer: Announcer,
    commits: Commits,
}

impl Worker {
    async fn work(mut self) {
        let mut answers: Vec<Answer> = Vec::with_capacity(UNITS_A_COMMIT);
        while let Some(first) = self.inbox.next().await {
            let mut next = Some(first);
            while let Some(job) = next {
                answers.extend(job(&mut self.tx).await);
                if self.tx.session.lost_transaction() {
                    self.lose(&mut answers);
                }
                next = if answers.len() < UNITS_A_COMMIT { self.inbox.next_at_hand() } else { None };
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
        let began = Instant::now();
        let committed = session.commit().await;
        self.commits.ended(answers.len(), began, committed.is_ok());
        if let Err(error) = &committed {
            tracing::error!(%error, units = answers.len(), "a commit failed");
        }
        if std::mem::take(&mut self.tx.announced) && committed.is_ok() {
            counted::told(&self.tx.told);
            let told = || self.tx.told.iter().map(|fact| (fact.kind, fact.position));
            self.announcer.announce_positions(told());
            session.notify(self.channel.name(), &self.channel.message(told()));
        }
        self.tx.told.clear();
        answers.drain(..).for_each(|answer| answer(committed.clone()));
    }
}
