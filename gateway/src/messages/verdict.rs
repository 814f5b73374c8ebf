//! How the side that reads a request tells the side that writes the answer that the request is at fault.

use std::sync::{Arc, OnceLock};
use std::task::Context;

use futures::task::AtomicWaker;

use crate::call_notes::CallNotes;
use crate::grpc_web::RequestFault;

/// Shared by the request body, which the upstream reads in a task of its own, and the answer.
#[derive(Debug, Default)]
pub(crate) struct RequestVerdict {
    fault: OnceLock<RequestFault>,
    answer: AtomicWaker,
    notes: Option<Arc<CallNotes>>,
}

impl RequestVerdict {
    /// The verdict on a call with these notes.
    pub(crate) fn noted(notes: Arc<CallNotes>) -> Self {
        Self { notes: Some(notes), ..Self::default() }
    }

    /// The notes of the call, for the side that counts its messages.
    pub(crate) fn notes(&self) -> Option<&CallNotes> {
        self.notes.as_deref()
    }

    /// Says what is wrong. The first fault counts.
    pub(crate) fn report(&self, fault: RequestFault) {
        if self.fault.set(fault).is_ok() {
            self.answer.wake();
        }
    }

    /// What is wrong, if anything is; the task is woken when it becomes so.
    pub(crate) fn poll_fault(&self, cx: &Context<'_>) -> Option<RequestFault> {
        if self.fault.get().is_none() {
            self.answer.register(cx.waker());
        }
        // Looked at after the waker is in place, so that a report in between is not missed.
        self.fault.get().copied()
    }
}
