//! Running a unit whose statements wait for the server.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::task::Poll;

use futures::FutureExt;

use crate::session::Session;
use crate::{Error, Tx};

/// Runs a unit, which may wait for its statements and for nothing else: while it waits, it holds up all others.
pub(super) async fn run_to_end<T, E: From<Error>>(
    unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    tx: &mut Tx,
) -> Result<T, E> {
    let waiting = match &tx.session {
        Session::Postgres(session) => session.waiting(),
        Session::Sqlite(_) => return Err(Error::Defect("it was given a session of another database".into()).into()),
    };
    let mut running = std::pin::pin!(AssertUnwindSafe(unit(tx)).catch_unwind());
    poll_fn(|context| match running.as_mut().poll(context) {
        Poll::Ready(Ok(answer)) => Poll::Ready(answer),
        Poll::Ready(Err(_)) => Poll::Ready(Err(Error::Defect("it panicked".into()).into())),
        Poll::Pending if waiting.load(Ordering::Relaxed) => Poll::Pending,
        Poll::Pending => {
            Poll::Ready(Err(Error::Defect("it awaited something other than its transaction".into()).into()))
        }
    })
    .await
}
