//! The connection under a transaction, on whichever database it is.

use crate::many::Asking;
use crate::{Error, Row, Value, postgres, sqlite};

/// Longer than the server's `deadlock_timeout`, which is a second: only after that does it send an autovacuum away that is in the way.
const OF_MIGRATION: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '2s'";

pub(crate) enum Session {
    Sqlite(sqlite::Session),
    Postgres(Box<postgres::Session>),
}

impl From<sqlite::Session> for Session {
    fn from(session: sqlite::Session) -> Self {
        Self::Sqlite(session)
    }
}

impl From<postgres::Session> for Session {
    fn from(session: postgres::Session) -> Self {
        Self::Postgres(Box::new(session))
    }
}

impl Session {
    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        match self {
            Self::Sqlite(session) => session.execute(sql, params),
            // Boxed, so that units on SQLite do not carry the state of waiting for a server.
            Self::Postgres(session) => Box::pin(session.execute(sql, params)).await,
        }
    }

    /// Executes a statement whose answer nobody needs.
    pub(crate) async fn send(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.execute(sql, params).map(drop),
            Self::Postgres(session) => Box::pin(session.send(sql, params)).await,
        }
    }

    /// Has the statements of this transaction take as long as they take: making an index over a large table does. For whoever
    /// uses a table they wait two seconds only: all who come later wait behind them, even if they want to read.
    pub(crate) async fn migrate(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => Box::pin(session.execute_batch(OF_MIGRATION)).await,
        }
    }

    /// Waits for what was sent.
    pub(crate) async fn settle_ahead(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => Box::pin(session.settle_ahead()).await,
        }
    }

    /// Feeds rows to `take` until it answers false.
    pub(crate) async fn fetch(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        mut take: impl FnMut(&Row<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.fetch(sql, params, take),
            Self::Postgres(session) => {
                for row in Box::pin(session.query(sql, params)).await? {
                    if !take(&Row::of_postgres(&row))? {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// Executes several statements in their order; on a server they make one journey.
    pub(crate) async fn execute_each(&mut self, statements: &[Asking<'_>]) -> Result<u64, Error> {
        match self {
            Self::Sqlite(session) => statements.iter().map(|asking| session.execute(&asking.sql, &asking.params)).sum(),
            Self::Postgres(session) => Box::pin(session.execute_each(statements)).await,
        }
    }

    /// Feeds the rows of several queries to `take`.
    pub(crate) async fn fetch_each(
        &mut self,
        statements: &[Asking<'_>],
        mut take: impl FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => statements
                .iter()
                .try_for_each(|asking| session.fetch(&asking.sql, &asking.params, |row| take(row).map(|()| true))),
            Self::Postgres(session) => {
                let rows = Box::pin(session.query_each(statements)).await?;
                rows.iter().try_for_each(|row| take(&Row::of_postgres(row)))
            }
        }
    }

    /// Runs statements without parameters, as a migration has them.
    pub(crate) async fn execute_batch(&mut self, sql: &str) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.execute_batch(sql),
            Self::Postgres(session) => Box::pin(session.execute_batch(sql)).await,
        }
    }

    /// Whether no other transaction can write meanwhile.
    pub(crate) const fn locks_store(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(session) => session.locks_store(),
        }
    }

    /// Whether what is put into the log waits for the commit.
    pub(crate) const fn appends_before_commit(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub(crate) fn learn_constraint_names(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.learn_constraint_names(),
            // PostgreSQL tells the name itself.
            Self::Postgres(_) => Ok(()),
        }
    }

    pub(crate) fn begin_snapshot(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.begin_snapshot(),
            Self::Postgres(session) => {
                session.begin_snapshot();
                Ok(())
            }
        }
    }

    pub(crate) fn end_snapshot(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.end_snapshot(),
            Self::Postgres(session) => {
                session.rollback();
                Ok(())
            }
        }
    }

    /// Ends a unit: keeps what it did, or undoes it.
    pub(crate) fn end_unit(&mut self, keep: bool) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.end_unit(keep),
            Self::Postgres(session) => session.end_unit(keep),
        }
    }

    /// Whether the whole transaction is gone, with what earlier units of it did.
    pub(crate) fn lost_transaction(&self) -> bool {
        match self {
            Self::Sqlite(session) => session.lost_transaction(),
            Self::Postgres(session) => session.lost_transaction(),
        }
    }

    pub(crate) fn rollback(&mut self) {
        match self {
            Self::Sqlite(session) => session.rollback(),
            Self::Postgres(session) => session.rollback(),
        }
    }

    pub(crate) fn begin_nested(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.begin_nested(),
            Self::Postgres(session) => {
                session.begin_nested();
                Ok(())
            }
        }
    }

    pub(crate) fn release_nested(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.release_nested(),
            Self::Postgres(session) => session.release_nested(),
        }
    }

    pub(crate) fn undo_nested(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => session.undo_nested(),
            Self::Postgres(session) => {
                session.undo_nested();
                Ok(())
            }
        }
    }
}
