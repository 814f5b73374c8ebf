//! Where spans go when they end: a queue with an end, from which they are exported. Like the log, there is one for the
//! process.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::Details;
use crate::otlp::counted::{self, Lost};

static CURRENT: ArcSwapOption<Recorder> = ArcSwapOption::const_empty();

/// The way into the queue.
pub(crate) struct Recorder {
    queue: mpsc::Sender<Details>,
}

impl Recorder {
    /// A recorder whose spans wait in a queue of this length.
    pub(crate) fn with_room_for(spans: usize) -> (Self, mpsc::Receiver<Details>) {
        let (queue, ended) = mpsc::channel(spans);
        (Self { queue }, ended)
    }

    /// Puts a span that has ended into the queue, or loses it: no work ever waits for its trace.
    pub(crate) fn take(&self, details: Details) {
        match self.queue.try_send(details) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => counted::lost(Lost::NoRoom, 1),
            Err(TrySendError::Closed(_)) => counted::lost(Lost::Ended, 1),
        }
    }
}

/// Records spans that begin from now on with `recorder`, or not at all.
pub(crate) fn record_with(recorder: Option<Recorder>) {
    CURRENT.store(recorder.map(Arc::new));
}

pub(super) fn current() -> Option<Arc<Recorder>> {
    CURRENT.load_full()
}
