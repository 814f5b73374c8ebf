//! SQLite: one connection that writes, a few that read.

mod readers;
mod session;
mod writer;

pub(crate) use readers::Readers;
pub(crate) use session::Session;
pub(crate) use writer::Writer;

use crate::{Error, Tx};

fn commit(tx: &mut Tx) -> Result<(), Error> {
    match &mut tx.session {
        crate::session::Session::Sqlite(session) => session.commit(),
        crate::session::Session::Postgres(_) => Err(Error::Defect("it was given a session of another database".into())),
    }
}

/// Runs a unit that awaits nothing but its transaction, which on SQLite never waits.
fn run_to_end<T, E: From<Error>>(unit: impl AsyncFnOnce(&mut Tx) -> Result<T, E>, tx: &mut Tx) -> Result<T, E> {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| futures::FutureExt::now_or_never(unit(tx))));
    match outcome {
        Ok(Some(answer)) => answer,
        Ok(None) => Err(Error::Defect("it awaited something other than its transaction".into()).into()),
        Err(_) => Err(Error::Defect("it panicked".into()).into()),
    }
}
