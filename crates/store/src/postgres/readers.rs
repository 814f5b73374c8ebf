//! Reading connections, used from one thread: what reads mostly waits for the server.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bojagi_telemetry::TraceContext;
use futures::future::{LocalBoxFuture, join_all};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use super::session::Session;
use super::unit::run_to_end;
use crate::{Error, Tx};

type Job = Box<dyn for<'a> FnOnce(&'a mut Tx) -> LocalBoxFuture<'a, ()> + Send>;

/// A handle to the reading thread of one store. The thread ends when the handle is dropped and the queue is empty.
pub(crate) struct Readers {
    connector: Arc<Connector>,
    jobs: Option<mpsc::UnboundedSender<Job>>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(options: &PostgresOptions, queue: usize, count: usize) -> Result<Self, Error> {
        let connector = Arc::new(Connector::new(options)?);
        let runtime = super::runtime()?;
        let (jobs, inbox) = mpsc::unbounded_channel::<Job>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let thread = std::thread::Builder::new()
            .name(format!("{}-reader", options.name()))
            .spawn({
                let (waiting, connector) = (Arc::clone(&waiting), Arc::clone(&connector));
                move || {
                    let inbox = Rc::new(Mutex::new(inbox));
                    let workers = (0..count).map(|_| {
                        let tx = Tx::new(Session::new(Arc::clone(&connector), Purpose::Reading));
                        work(tx, Rc::clone(&inbox), &waiting)
                    });
                    runtime.block_on(join_all(workers));
                }
            })
            .map_err(|error| Error::Database(format!("the reading thread did not start: {error}")))?;
        Ok(Self { connector, jobs: Some(jobs), waiting, queue, thread: Some(thread) })
    }

    /// Those of the replica, if there is one.
    pub(crate) fn of_replica(options: &PostgresOptions, queue: usize, count: usize) -> Result<Option<Self>, Error> {
        options.replica().map(|replica| Self::start(&replica, queue, count)).transpose()
    }

    /// Whether the server answered when it was last tried, as far as that is not long ago.
    pub(crate) fn can_be_reached(&self) -> bool {
        !self.connector.failed_lately()
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
                if reply.is_closed() {
                    return;
                }
                tx.trace = trace;
                let outcome = match tx.session.begin_snapshot() {
                    Ok(()) => run_to_end(unit, tx).await,
                    Err(error) => Err(error.into()),
                };
                // Sent at once and waited for by nobody; a connection on which it fails is broken, which the next read
                // finds out.
                tx.session.rollback();
                // A caller that has gone meanwhile misses the answer.
                drop(reply.send(outcome));
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

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        let Some(thread) = self.thread.take() else { return };
        // The last handle can be dropped by the reading thread itself, at the end of a unit that held one.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("a reading thread panicked");
        }
    }
}

/// One connection: whichever is free takes what is next.
async fn work(mut tx: Tx, inbox: Rc<Mutex<mpsc::UnboundedReceiver<Job>>>, waiting: &AtomicUsize) {
    loop {
        // The lock is let go before the work begins, so that the next connection can wait for the next job.
        let job = inbox.lock().await.recv().await;
        let Some(job) = job else { return };
        waiting.fetch_sub(1, Ordering::Relaxed);
        job(&mut tx).await;
    }
}
