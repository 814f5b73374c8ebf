//! A connection and where it stands: in a transaction, in a unit, in a part of a unit.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};

use crate::{Error, Row, Value};

/// Statements kept prepared on a connection; more than any context has.
const CACHED_STATEMENTS: usize = 256;
/// How long a reader waits for a lock, which it needs only while the write-ahead log is recovered.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) const LOST: &str = "the database gave the transaction up";

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// In no transaction.
    Outside,
    /// In a transaction, between two units that wrote.
    Between,
    /// In the first unit of a transaction that writes: undoing it undoes the transaction, so it needs no savepoint.
    InFirst,
    /// In a later unit, behind its savepoint.
    InLater,
}

/// A connection to one SQLite file.
pub(crate) struct Session {
    connection: Connection,
    standing: Standing,
    /// What SQLite calls a unique index in its messages (`store.name`), and the name that we gave it.
    constraint_names: HashMap<String, String>,
}

impl Session {
    /// Opens the connection that writes. `FULL` makes every commit durable before it is answered.
    pub(crate) fn open_writer(path: &Path) -> Result<Self, Error> {
        let session = Self::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        session.configure(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -4096;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;",
        )?;
        Ok(session)
    }

    /// Opens a connection that only reads.
    pub(crate) fn open_reader(path: &Path) -> Result<Self, Error> {
        let session = Self::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        session.configure("PRAGMA query_only = ON; PRAGMA cache_size = -1024;")?;
        Ok(session)
    }

    fn open(path: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| Error::Database(format!("{}: {error}", path.display())))?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| Error::Database(error.to_string()))?;
        Ok(Self { connection, standing: Standing::Outside, constraint_names: HashMap::new() })
    }

    fn configure(&self, pragmas: &str) -> Result<(), Error> {
        self.connection.execute_batch(pragmas).map_err(|error| Error::Database(error.to_string()))
    }

    /// SQLite names the columns of a violated unique index, not the index; this learns which is which.
    pub(crate) fn learn_constraint_names(&mut self) -> Result<(), Error> {
        let mut names = HashMap::new();
        self.fetch(
            "SELECT i.name, group_concat(t.name || '.' || c.name, ', ' ORDER BY c.seqno)
             FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
             WHERE t.type = 'table' AND i.\"unique\" AND i.origin = 'c' GROUP BY t.name, i.name",
            &[],
            |row| {
                // An index over an expression has no column name; SQLite names such an index itself.
                if !row.is_null(1)? {
                    names.insert(row.text(1)?.to_owned(), row.text(0)?.to_owned());
                }
                Ok(true)
            },
        )?;
        self.constraint_names = names;
        Ok(())
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        let mut statement = prepare(&self.connection, sql)?;
        begin_unit_before(&statement, &self.connection, &mut self.standing)?;
        let outcome = statement.execute(rusqlite::params_from_iter(params));
        outcome.map(|changed| changed as u64).map_err(|error| self.explain(&error))
    }

    /// Feeds rows to `take` until it answers false.
    pub(crate) fn fetch(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        mut take: impl FnMut(&Row<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut statement = prepare(&self.connection, sql)?;
        begin_unit_before(&statement, &self.connection, &mut self.standing)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(|error| self.explain(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.explain(&error))? {
            if !take(&Row::new(row))? {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn execute_batch(&mut self, sql: &str) -> Result<(), Error> {
        begin_unit(&self.connection, &mut self.standing)?;
        self.connection.execute_batch(sql).map_err(|error| self.explain(&error))
    }

    /// Makes the reads of one closure see one snapshot.
    pub(crate) fn begin_snapshot(&self) -> Result<(), Error> {
        self.control("BEGIN DEFERRED")
    }

    pub(crate) fn end_snapshot(&self) -> Result<(), Error> {
        self.control("ROLLBACK")
    }

    /// Ends a unit: keeps what it did, or undoes it.
    pub(crate) fn end_unit(&mut self, keep: bool) -> Result<(), Error> {
        match (self.standing, keep) {
            (Standing::Outside | Standing::Between, _) => return Ok(()),
            (Standing::InFirst, true) => {}
            (Standing::InFirst, false) => {
                self.rollback();
                return Ok(());
            }
            (Standing::InLater, true) => self.control("RELEASE unit")?,
            (Standing::InLater, false) => {
                self.control("ROLLBACK TO unit")?;
                self.control("RELEASE unit")?;
            }
        }
        self.standing = Standing::Between;
        Ok(())
    }

    /// Whether a failure made SQLite throw the whole transaction away, as it does when the disk is full.
    pub(crate) fn lost_transaction(&self) -> bool {
        is_lost(&self.connection, self.standing)
    }

    pub(crate) fn commit(&mut self) -> Result<(), Error> {
        if self.standing == Standing::Outside {
            return Ok(());
        }
        let committed = self.control("COMMIT");
        if committed.is_err() {
            self.rollback();
        }
        self.standing = Standing::Outside;
        committed
    }

    pub(crate) fn rollback(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.control("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
        self.standing = Standing::Outside;
    }

    pub(crate) fn begin_nested(&mut self) -> Result<(), Error> {
        begin_unit(&self.connection, &mut self.standing)?;
        self.control("SAVEPOINT part")
    }

    pub(crate) fn release_nested(&self) -> Result<(), Error> {
        self.control("RELEASE part")
    }

    pub(crate) fn undo_nested(&self) -> Result<(), Error> {
        self.control("ROLLBACK TO part")?;
        self.control("RELEASE part")
    }

    fn control(&self, sql: &str) -> Result<(), Error> {
        control(&self.connection, sql)
    }

    fn explain(&self, error: &rusqlite::Error) -> Error {
        let rusqlite::Error::SqliteFailure(failure, Some(message)) = error else {
            return Error::Database(error.to_string());
        };
        if failure.code != rusqlite::ErrorCode::ConstraintViolation {
            return Error::Database(error.to_string());
        }
        // "UNIQUE constraint failed: store.name", "CHECK constraint failed: stock_not_negative"
        let subject = message.split_once(": ").map_or(message.as_str(), |(_, subject)| subject);
        let subject = subject.strip_prefix("index '").and_then(|name| name.strip_suffix('\'')).unwrap_or(subject);
        let name = self.constraint_names.get(subject).map_or(subject, String::as_str);
        Error::Constraint { name: name.to_owned() }
    }
}

/// The transaction and the savepoint of a unit begin with its first statement that writes: a unit that only reads, or
/// refuses before it has written anything, costs neither.
fn begin_unit_before(
    statement: &CachedStatement<'_>,
    connection: &Connection,
    standing: &mut Standing,
) -> Result<(), Error> {
    if statement.readonly() { check_not_lost(connection, *standing) } else { begin_unit(connection, standing) }
}

/// What comes after SQLite has thrown the transaction away would be a transaction of its own each, and stay although the unit
/// fails.
fn check_not_lost(connection: &Connection, standing: Standing) -> Result<(), Error> {
    if is_lost(connection, standing) { Err(Error::NotCommitted(LOST.into())) } else { Ok(()) }
}

fn is_lost(connection: &Connection, standing: Standing) -> bool {
    standing != Standing::Outside && connection.is_autocommit()
}

fn begin_unit(connection: &Connection, standing: &mut Standing) -> Result<(), Error> {
    check_not_lost(connection, *standing)?;
    *standing = match standing {
        Standing::InFirst | Standing::InLater => return Ok(()),
        Standing::Outside => {
            control(connection, "BEGIN IMMEDIATE")?;
            Standing::InFirst
        }
        Standing::Between => {
            control(connection, "SAVEPOINT unit")?;
            Standing::InLater
        }
    };
    Ok(())
}

fn prepare<'a>(connection: &'a Connection, sql: &str) -> Result<CachedStatement<'a>, Error> {
    connection.prepare_cached(sql).map_err(|error| Error::Database(format!("{error} in {sql}")))
}

fn control(connection: &Connection, sql: &str) -> Result<(), Error> {
    prepare(connection, sql)?.execute([]).map(drop).map_err(|error| Error::Database(format!("{sql}: {error}")))
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null(_) => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Flag(flag) => ValueRef::Integer(i64::from(*flag)),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Uuid(uuid) => ValueRef::Blob(uuid.as_bytes()),
            Self::Moment(moment) => ValueRef::Integer(moment.micros()),
        }))
    }
}
