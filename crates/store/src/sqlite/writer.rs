//! The writer thread: whole units of work, in order of arrival, as many to a commit as are waiting.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use bojagi_telemetry::TraceContext;
use tokio::sync::oneshot;

use super::{Session, commit, run_to_end};
use crate::announcer::Announcer;
use crate::{Error, Tx};

/// Units that go into one commit at most, so that the first of them does not wait for a whole flood.
const UNITS_A_COMMIT: usize = 512;

/// Runs on the writer thread inside the transaction; answers what is left to do once the commit is decided.
type Job = Box<dyn FnOnce(&mut Tx) -> Option<Answer> + Send>;
/// Tells the caller; the error says why the commit failed.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// A handle to the writer thread of one store. The thread ends when the handle is dropped and the queue is empty.
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(path: &Path, queue: usize, announcer: Announcer) -> Result<Self, Error> {
        let session = Session::open_writer(path)?;
        let (jobs, inbox) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let thread = std::thread::Builder::new()
            .name(format!("{name}-writer"))
            .spawn({
                let waiting = Arc::clone(&waiting);
                move || work(Tx::new(session), &inbox, &waiting, &announcer)
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
            // The caller has gone before its unit began: it takes it back.
            if reply.is_closed() {
                return None;
            }
            tx.trace = trace;
            let outcome = run_unit(unit, tx);
            Some(Box::new(move |committed| {
                let outcome = match committed {
                    Ok(()) => outcome,
                    Err(error) => outcome.and(Err(error.into())),
                };
                // A caller that has gone meanwhile misses the answer; what is committed stays.
                drop(reply.send(outcome));
            }))
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

fn run_unit<T, E: From<Error>>(unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E>, tx: &mut Tx) -> Result<T, E> {
    let (announced_before, told_before) = (tx.announced, tx.told.len());
    let outcome = run_to_end(unit, tx);
    if outcome.is_err() {
        tx.announced = announced_before;
        tx.told.truncate(told_before);
    }
    if tx.session.lost_transaction() {
        return outcome;
    }
    tx.session.end_unit(outcome.is_ok()).map_err(E::from).and(outcome)
}

fn work(mut tx: Tx, inbox: &mpsc::Receiver<Job>, waiting: &AtomicUsize, announcer: &Announcer) {
    let mut answers: Vec<Answer> = Vec::with_capacity(UNITS_A_COMMIT);
    while let Ok(first) = inbox.recv() {
        let mut next = Some(first);
        while let Some(job) = next {
            waiting.fetch_sub(1, Ordering::Relaxed);
            answers.extend(job(&mut tx));
            if tx.session.lost_transaction() {
                tx.session.rollback();
                let lost = Error::NotCommitted("the database gave the transaction up".into());
                tx.announced = false;
                tx.told.clear();
                answers.drain(..).for_each(|answer| answer(Err(lost.clone())));
            }
            next = if answers.len() < UNITS_A_COMMIT { inbox.try_recv().ok() } else { None };
        }

        let committed = commit(&mut tx).map_err(|error| {
            tracing::error!(%error, units = answers.len(), "a commit failed");
            Error::NotCommitted(error.to_string())
        });
        if std::mem::take(&mut tx.announced) && committed.is_ok() {
            announcer.announce(&mut tx.told);
        }
        tx.told.clear();
        answers.drain(..).for_each(|answer| answer(committed.clone()));
    }
}
