//! Fakes of item, coupon and payment that keep to their contracts and fail when told to.

mod catalogue;
mod coupons;
mod payments;
mod stock;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bojagi_telemetry::TraceContext;
pub(crate) use coupons::Coupons;
pub(crate) use payments::Payments;
pub(crate) use stock::{Hold, Stock};
use tokio::sync::Notify;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// What goes wrong with one call.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The peer says no, before any effect.
    Refuse(Code, &'static str),
    /// The peer does not answer, and nothing happened.
    Unavailable,
    /// The peer never answers, and nothing happened.
    Hang,
    /// It happens, and the answer is lost.
    LoseAnswer,
    /// It happens, and that the answer is lost shows when the test says so.
    LoseAnswerLater(Arc<Notify>),
    /// It happens, and then the peer hangs.
    HangAfter,
    /// It happens, and the answer is on its way until the test lets it arrive.
    AnswerLater(Arc<Notify>),
}

/// The faults of one method, in the order of its calls.
#[derive(Default)]
pub(crate) struct Script {
    next: Mutex<VecDeque<Fault>>,
    always: Mutex<Option<Fault>>,
    calls: AtomicU64,
    called: Notify,
    /// The trace that the last call belonged to.
    trace: Mutex<Option<TraceContext>>,
}

impl Script {
    /// The next calls fail like this, one after the other.
    pub(crate) fn then(&self, faults: impl IntoIterator<Item = Fault>) {
        self.next.lock().unwrap().extend(faults);
    }

    /// Every call fails like this, until `None`.
    pub(crate) fn always(&self, fault: Option<Fault>) {
        *self.always.lock().unwrap() = fault;
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Waits until the method was called that often.
    pub(crate) async fn called(&self, times: u64) {
        loop {
            let notified = self.called.notified();
            if self.calls() >= times {
                return;
            }
            notified.await;
        }
    }

    pub(crate) fn trace(&self) -> TraceContext {
        self.trace.lock().unwrap().clone().unwrap()
    }

    /// Plays one call: what goes wrong before and after `effect`.
    pub(crate) async fn play<T>(&self, effect: impl AsyncFnOnce() -> Result<T, Status>) -> Result<T, Status> {
        let fault = self.next.lock().unwrap().pop_front().or_else(|| self.always.lock().unwrap().clone());
        *self.trace.lock().unwrap() = TraceContext::current();
        let noted = || {
            self.calls.fetch_add(1, Ordering::SeqCst);
            self.called.notify_waiters();
        };
        match fault {
            None => {
                let answer = effect().await;
                noted();
                answer
            }
            Some(Fault::Refuse(code, reason)) => {
                noted();
                Err(refuse(code, reason))
            }
            Some(Fault::Unavailable) => {
                noted();
                Err(Status::unavailable("not there"))
            }
            Some(Fault::Hang) => {
                noted();
                std::future::pending().await
            }
            Some(Fault::LoseAnswer) => {
                effect().await?;
                noted();
                Err(Status::unavailable("the answer was lost"))
            }
            Some(Fault::LoseAnswerLater(shows)) => {
                effect().await?;
                noted();
                shows.notified().await;
                Err(Status::unavailable("the answer was lost"))
            }
            Some(Fault::HangAfter) => {
                effect().await?;
                noted();
                std::future::pending().await
            }
            Some(Fault::AnswerLater(arrives)) => {
                let answer = effect().await;
                noted();
                arrives.notified().await;
                answer
            }
        }
    }
}

pub(crate) fn refuse(code: Code, reason: &str) -> Status {
    let metadata = [("option_id".to_owned(), "some-option".to_owned())];
    let details = ErrorDetails::with_error_info(reason, "bojagi.fake", metadata);
    Status::with_error_details(code, format!("refused: {reason}"), details)
}
