//! The writer thread: whole units of work, in order of arrival, as many to a commit as are waiting.

use std::path::Path;
use std::time::Instant;

use bojagi_telemetry::TraceContext;
use tokio::sync::oneshot;

use super::session::LOST;
use super::{Session, commit, run_to_end};
use crate::announcer::Announcer;
use crate::counted::{self, Commits};
use crate::queue::{Answer, Inbox, Queue, answer_once_committed};
use crate::{Error, Tx};

/// Units that go into one commit at most, so that the first of them does not wait for a whole flood.
const UNITS_A_COMMIT: usize = 512;

/// Runs on the writer thread inside the transaction; answers what is left to do once the commit is decided.
type Job = Box<dyn FnOnce(&mut Tx) -> Option<Answer> + Send>;

/// A handle to the writer thread of one store.
pub(crate) struct Writer(Queue<Job>);

impl Writer {
    pub(crate) fn start(path: &Path, name: &str, queue: usize, announcer: Announcer) -> Result<Self, Error> {
        let session = Session::open_writer(path)?;
        let commits = Commits::of(name);
        let work = move |inbox| work(Tx::new(session), inbox, &announcer, &commits);
        Queue::start(format!("{name}-writer"), queue, work).map(Self)
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
            // The caller has gone before its unit began: it takes it back.
            if reply.is_closed() {
                return None;
            }
            tx.trace = trace;
            let outcome = run_unit(unit, tx);
            Some(answer_once_committed(reply, outcome))
        });
        self.0.ask(job, answered).await
    }
}

fn run_unit<T, E: From<Error>>(unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E>, tx: &mut Tx) -> Result<T, E> {
    let before = tx.announcements();
    let outcome = run_to_end(unit, tx);
    let ended = if tx.session.lost_transaction() { Ok(()) } else { tx.session.end_unit(outcome.is_ok()) };
    let outcome = ended.map_err(E::from).and(outcome);
    if outcome.is_err() {
        tx.take_back_announcements(before);
    }
    outcome
}

fn work(mut tx: Tx, mut inbox: Inbox<Job>, announcer: &Announcer, commits: &Commits) {
    let mut answers: Vec<Answer> = Vec::with_capacity(UNITS_A_COMMIT);
    while let Some(first) = inbox.wait_for_next() {
        let mut next = Some(first);
        while let Some(job) = next {
            answers.extend(job(&mut tx));
            if tx.session.lost_transaction() {
                tx.session.rollback();
                commits.lost();
                let lost = Error::NotCommitted(LOST.into());
                tx.forget_announcements();
                answers.drain(..).for_each(|answer| answer(Err(lost.clone())));
            }
            next = if answers.len() < UNITS_A_COMMIT { inbox.next_at_hand() } else { None };
        }

        let began = Instant::now();
        let committed = commit(&mut tx).map_err(|error| {
            tracing::error!(%error, units = answers.len(), "a commit failed");
            Error::NotCommitted(error.to_string())
        });
        commits.ended(answers.len(), began, committed.is_ok());
        if tx.announced && committed.is_ok() {
            counted::told(tx.told.iter().map(|fact| fact.kind));
            announcer.announce(&mut tx.told);
        }
        tx.forget_announcements();
        answers.drain(..).for_each(|answer| answer(committed.clone()));
    }
}
