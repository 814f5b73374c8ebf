//! What layers further in find out about a call, for those further out that log and count it.
//!
//! The notes travel with the request, as an extension, and stay with the answer. Whoever has a request can write into them:
//! `CallNotes::of(&request)`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use http::Request;
use parking_lot::Mutex;

use crate::dialect::Dialect;
use crate::metrics::{DialectLabel, Ended, MethodMetrics};

/// The notes of one call.
#[derive(Debug)]
pub(crate) struct CallNotes {
    dialect: DialectLabel,
    bytes_in: AtomicU64,
    messages_in: AtomicU64,
    messages_out: AtomicU64,
    method: OnceLock<Arc<MethodMetrics>>,
    reason: OnceLock<&'static str>,
    attempts: Mutex<Attempts>,
}

/// How often the call was sent to an upstream, and where to at last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    pub(crate) count: u32,
    pub(crate) last_endpoint: Option<Arc<str>>,
}

impl CallNotes {
    pub(crate) fn of_dialect(dialect: DialectLabel) -> Self {
        Self {
            dialect,
            bytes_in: AtomicU64::new(0),
            messages_in: AtomicU64::new(0),
            messages_out: AtomicU64::new(0),
            method: OnceLock::new(),
            reason: OnceLock::new(),
            attempts: Mutex::default(),
        }
    }

    /// The notes of the call that the request belongs to. A request that came past the layer which begins them has notes that nobody reads.
    pub(crate) fn of<B>(request: &Request<B>) -> Arc<Self> {
        let notes = request.extensions().get::<Arc<Self>>().cloned();
        notes.unwrap_or_else(|| Arc::new(Self::of_dialect(Dialect::Native.into())))
    }

    /// The method is known, and so the call counts as begun.
    pub(crate) fn method_found(&self, method: &Arc<MethodMetrics>) -> &MethodMetrics {
        self.method.get_or_init(|| {
            method.begin(self.dialect);
            Arc::clone(method)
        })
    }

    /// The call is over. If its method was never found, it is one of the others.
    pub(crate) fn end(&self, ended: &Ended, others: &Arc<MethodMetrics>) {
        self.method_found(others).end(ended);
    }

    /// The method, or what stands for those that are not there.
    pub(crate) fn method<'a>(&'a self, others: &'a Arc<MethodMetrics>) -> &'a MethodMetrics {
        self.method.get().unwrap_or(others)
    }

    /// The gateway ends the call. The first reason counts, because a second one is what follows from it.
    pub(crate) fn ended_for(&self, reason: &'static str) {
        self.reason.get_or_init(|| reason);
    }

    pub(crate) fn reason(&self) -> Option<&'static str> {
        self.reason.get().copied()
    }

    /// The upstream is asked, for the first time or once more.
    pub(crate) fn attempt(&self) {
        self.attempts.lock().count += 1;
    }

    /// The attempt goes to this endpoint. An upstream in the same process has none.
    pub(crate) fn sent_to(&self, endpoint: &Arc<str>) {
        self.attempts.lock().last_endpoint = Some(Arc::clone(endpoint));
    }

    pub(crate) fn attempts(&self) -> Attempts {
        self.attempts.lock().clone()
    }

    pub(crate) fn add_bytes_in(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Ordering::Relaxed)
    }

    /// So many messages of the request have passed in all.
    pub(crate) fn set_messages_in(&self, messages: u64) {
        self.messages_in.store(messages, Ordering::Relaxed);
    }

    pub(crate) fn messages_in(&self) -> u64 {
        self.messages_in.load(Ordering::Relaxed)
    }

    /// So many messages of the answer have passed in all.
    pub(crate) fn set_messages_out(&self, messages: u64) {
        self.messages_out.store(messages, Ordering::Relaxed);
    }

    pub(crate) fn messages_out(&self) -> u64 {
        self.messages_out.load(Ordering::Relaxed)
    }
}
