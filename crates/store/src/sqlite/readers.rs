//! Reading connections, taken from a pool and used on the runtime's blocking threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bojagi_telemetry::TraceContext;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{Session, run_to_end};
use crate::{Error, Tx};

pub(crate) struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Tx>>>,
}

impl Readers {
    pub(crate) fn new(path: &Path, count: usize) -> Self {
        Self { path: path.to_owned(), permits: Arc::new(Semaphore::new(count)), idle: Arc::default() }
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
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let pooled = idle.lock().pop();
            let mut tx = match pooled {
                Some(tx) => tx,
                None => Tx::new(Session::open_reader(&path)?),
            };
            tx.trace = trace;
            tx.session.begin_snapshot()?;
            let outcome = run_to_end(unit, &mut tx);
            // A connection whose snapshot does not end is not used again.
            tx.session.end_snapshot()?;
            idle.lock().push(tx);
            drop(permit);
            outcome
        });
        reading.await.map_err(|error| Error::Defect(error.to_string()))?
    }
}
