//! Reading connections, used from one thread: what reads mostly waits for the server.

use std::rc::Rc;
use std::sync::Arc;

use bojagi_telemetry::TraceContext;
use futures::future::{LocalBoxFuture, join_all};
use tokio::sync::{Mutex, oneshot};

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use super::session::Session;
use super::unit::run_to_end;
use crate::queue::{Inbox, Queue};
use crate::{Error, Tx};

type Job = Box<dyn for<'a> FnOnce(&'a mut Tx) -> LocalBoxFuture<'a, ()> + Send>;

/// A handle to the reading thread of one store.
pub(crate) struct Readers {
    connector: Arc<Connector>,
    queue: Queue<Job>,
}

impl Readers {
    pub(crate) fn start(options: &PostgresOptions, queue: usize, count: usize) -> Result<Self, Error> {
        let connector = Arc::new(Connector::new(options)?);
        let runtime = super::runtime()?;
        let of_thread = Arc::clone(&connector);
        let work = move |inbox| {
            let inbox = Rc::new(Mutex::new(inbox));
            let workers = (0..count).map(|_| {
                let tx = Tx::new(Session::new(Arc::clone(&of_thread), Purpose::Reading));
                work(tx, Rc::clone(&inbox))
            });
            runtime.block_on(join_all(workers));
        };
        let queue = Queue::start(format!("{}-reader", options.name()), queue, work)?;
        Ok(Self { connector, queue })
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
        trace: Option<TraceContext>,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answered) = oneshot::channel();
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
        self.queue.ask(job, answered).await
    }
}

/// One connection: whichever is free takes what is next.
async fn work(mut tx: Tx, inbox: Rc<Mutex<Inbox<Job>>>) {
    loop {
        // The lock is let go before the work begins, so that the next connection can wait for the next job.
        let job = inbox.lock().await.next().await;
        let Some(job) = job else { return };
        job(&mut tx).await;
    }
}
