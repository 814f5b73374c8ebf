//! The transaction that a unit of work is given.

use bojagi_telemetry::TraceContext;

use crate::session::Session;
use crate::{Announced, Error, FromRow, LogEntry, Row, Value};

/// One unit of work on the database: what its statements do happens together or not at all.
///
/// Statements are SQL with parameters `?1`, `?2`, …; make them with [`params!`](crate::params).
pub struct Tx {
    pub(crate) session: Session,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) announced: bool,
    /// Facts told by the units of this transaction.
    pub(crate) told: Vec<Announced>,
    /// Facts that are written right before the commit.
    pub(crate) to_append: Vec<Box<dyn LogEntry>>,
}

/// How much has been announced.
#[derive(Clone, Copy)]
pub(crate) struct Announcements {
    any: bool,
    told: usize,
    to_append: usize,
}

impl Tx {
    pub(crate) fn new(session: impl Into<Session>) -> Self {
        Self { session: session.into(), trace: None, announced: false, told: Vec::new(), to_append: Vec::new() }
    }

    /// Whether no other unit can be under way, as if this one had locked the store.
    pub(crate) fn is_alone(&self) -> bool {
        self.session.locks_store()
    }

    /// The trace of the call that asked for this unit, if there is one.
    #[must_use]
    pub const fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// What follows in this unit belongs to another trace: that of a fact which it reacts to.
    pub fn continue_trace(&mut self, trace: TraceContext) {
        self.trace = Some(trace);
    }

    /// Runs a statement and says how many rows it changed.
    ///
    /// # Errors
    /// What the database says; `Error::Constraint` when a named constraint is violated.
    pub async fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        self.session.execute(sql, params).await
    }

    /// Runs a statement of which nobody needs to know how many rows it changes. On a server it travels with what the unit asks
    /// next, or with its end, so that it costs no journey. What fails because of it has its error.
    ///
    /// # Errors
    /// As [`Tx::execute`], now or later.
    pub async fn send(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        self.session.send(sql, params).await
    }

    /// All rows of the answer.
    ///
    /// # Errors
    /// What the database says, or `Error::Column`.
    pub async fn fetch_all<T: FromRow>(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        let take = |row: &Row<'_>| {
            rows.push(T::from_row(row)?);
            Ok(true)
        };
        self.session.fetch(sql, params, take).await?;
        Ok(rows)
    }

    /// The first row of the answer, if there is one.
    ///
    /// # Errors
    /// What the database says, or `Error::Column`.
    pub async fn fetch_optional<T: FromRow>(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<T>, Error> {
        let mut first = None;
        let take = |row: &Row<'_>| {
            first = Some(T::from_row(row)?);
            Ok(false)
        };
        self.session.fetch(sql, params, take).await?;
        Ok(first)
    }

    /// The first row of the answer.
    ///
    /// # Errors
    /// `Error::NoRow` when there is none; what the database says, or `Error::Column`.
    pub async fn fetch_one<T: FromRow>(&mut self, sql: &str, params: &[Value<'_>]) -> Result<T, Error> {
        self.fetch_optional(sql, params).await?.ok_or(Error::NoRow)
    }

    /// Runs a part of the unit that can fail without failing the unit: when `part` answers an error, what it did is
    /// undone, and the error is the answer.
    ///
    /// # Errors
    /// What `part` answers, or that it could not be begun or ended.
    pub async fn nested<T, E: From<Error>>(
        &mut self,
        part: impl AsyncFnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.session.settle_ahead().await?;
        self.session.begin_nested()?;
        let before = self.announcements();
        let outcome = part(self).await;
        let settled = self.session.settle_ahead().await;
        match outcome.and_then(|answer| settled.map(|()| answer).map_err(E::from)) {
            Ok(answer) => {
                self.session.release_nested()?;
                Ok(answer)
            }
            Err(error) => {
                self.session.undo_nested()?;
                self.take_back_announcements(before);
                Err(error)
            }
        }
    }

    /// What has been announced so far.
    pub(crate) const fn announcements(&self) -> Announcements {
        Announcements { any: self.announced, told: self.told.len(), to_append: self.to_append.len() }
    }

    /// What was announced since `before` did not happen.
    pub(crate) fn take_back_announcements(&mut self, before: Announcements) {
        self.announced = before.any;
        self.told.truncate(before.told);
        self.to_append.truncate(before.to_append);
    }

    /// The transaction is over; whatever became of it, the next one begins with nothing.
    pub(crate) fn forget_announcements(&mut self) {
        self.announced = false;
        self.told.clear();
        self.to_append.clear();
    }

    /// Wakes those who wait on [`Store::announcements`](crate::Store::announcements) once this unit is committed.
    pub const fn announce(&mut self) {
        self.announced = true;
    }
}
