//! Work for a thread of a store: in order of arrival, and bounded, so that who comes too late is told at once.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::Error;
use crate::counted::Waiting;

/// Tells the caller of a unit how it ended; the error says why the commit failed.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// What is left to do for a unit that came to `outcome`, once its commit is decided.
pub(crate) fn answer_once_committed<T, E>(reply: oneshot::Sender<Result<T, E>>, outcome: Result<T, E>) -> Answer
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    Box::new(move |committed| {
        let outcome = match committed {
            Ok(()) => outcome,
            Err(error) => outcome.and(Err(E::from(error))),
        };
        // A caller that has gone meanwhile misses the answer; what is committed stays.
        drop(reply.send(outcome));
    })
}

/// The callers' end. The thread ends when this is dropped and everything in it is done.
pub(crate) struct Queue<Job> {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    waiting: Arc<AtomicUsize>,
    counted: Arc<Waiting>,
    limit: usize,
    thread: Option<JoinHandle<()>>,
}

/// The thread's end.
pub(crate) struct Inbox<Job> {
    jobs: mpsc::UnboundedReceiver<Job>,
    waiting: Arc<AtomicUsize>,
    counted: Arc<Waiting>,
}

impl<Job: Send + 'static> Queue<Job> {
    /// Starts a thread that does `work` with what at most `limit` callers have put into the queue.
    pub(crate) fn start(
        name: String,
        limit: usize,
        work: impl FnOnce(Inbox<Job>) + Send + 'static,
    ) -> Result<Self, Error> {
        let (jobs, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = Arc::new(Waiting::in_queue(&name));
        let inbox = Inbox { jobs: receiver, waiting: Arc::clone(&waiting), counted: Arc::clone(&counted) };
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || work(inbox))
            .map_err(|error| Error::Database(format!("the thread {name} did not start: {error}")))?;
        Ok(Self { jobs: Some(jobs), waiting, counted, limit, thread: Some(thread) })
    }

    /// Puts a job in and waits for its answer.
    pub(crate) async fn ask<T, E: From<Error>>(
        &self,
        job: Job,
        answered: oneshot::Receiver<Result<T, E>>,
    ) -> Result<T, E> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counted.turned_away();
            return Err(Error::Overloaded.into());
        }
        self.counted.one_more();
        if self.jobs.as_ref().is_none_or(|jobs| jobs.send(job).is_err()) {
            return Err(Error::Closed.into());
        }
        answered.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }
}

impl<Job> Drop for Queue<Job> {
    fn drop(&mut self) {
        self.jobs = None;
        let Some(thread) = self.thread.take() else { return };
        // The last handle can be dropped by the thread itself, at the end of a unit that held one.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("a thread of a store panicked");
        }
    }
}

/// What of a queue has come to its thread and is not begun yet; the parts of the thread share it.
pub(crate) struct Line<Job> {
    jobs: RefCell<VecDeque<Job>>,
    waiting: Arc<AtomicUsize>,
    counted: Arc<Waiting>,
}

impl<Job> Line<Job> {
    pub(crate) fn push(&self, job: Job) {
        self.jobs.borrow_mut().push_back(job);
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.borrow().len()
    }

    /// Takes the next job.
    pub(crate) fn take(&self) -> Option<Job> {
        let job = self.jobs.borrow_mut().pop_front()?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.counted.one_less();
        Some(job)
    }

    /// Looks at the next job.
    pub(crate) fn first<T>(&self, look: impl FnOnce(&Job) -> T) -> Option<T> {
        self.jobs.borrow().front().map(look)
    }
}

impl<Job> Inbox<Job> {
    /// For a thread that takes jobs into a line of its own, where they still count as waiting.
    pub(crate) fn into_line(self) -> (mpsc::UnboundedReceiver<Job>, Line<Job>) {
        (self.jobs, Line { jobs: RefCell::default(), waiting: self.waiting, counted: self.counted })
    }

    /// Waits for the next job, or for the end of the queue.
    pub(crate) async fn next(&mut self) -> Option<Job> {
        let job = self.jobs.recv().await;
        self.taken(job)
    }

    /// The same for a thread without a runtime.
    pub(crate) fn wait_for_next(&mut self) -> Option<Job> {
        let job = self.jobs.blocking_recv();
        self.taken(job)
    }

    /// The next job, if one is waiting.
    pub(crate) fn next_at_hand(&mut self) -> Option<Job> {
        let job = self.jobs.try_recv().ok();
        self.taken(job)
    }

    fn taken(&self, job: Option<Job>) -> Option<Job> {
        if job.is_some() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counted.one_less();
        }
        job
    }
}
