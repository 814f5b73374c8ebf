//! What PostgreSQL says, in the words of the store.

use tokio_postgres::error::{DbError, SqlState};

use crate::Error;

/// What went wrong with a statement.
pub(super) fn explain(error: &tokio_postgres::Error, sql: &str) -> Error {
    let Some(said) = error.as_db_error() else {
        // Anything but a broken connection is a parameter that does not fit.
        let problem = with_cause(error);
        return if error.is_closed() {
            Error::Unreachable(problem)
        } else {
            Error::Database(format!("{problem} in {sql}"))
        };
    };
    let code = said.code();
    if ends_connection(said) {
        return Error::Unreachable(words(said));
    }
    if code.code().starts_with("23") {
        return Error::Constraint { name: constraint_name(said) };
    }
    let contended =
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE];
    if contended.contains(code) {
        return Error::Contended(words(said));
    }
    if *code == SqlState::QUERY_CANCELED {
        return Error::TimedOut(words(said));
    }
    Error::Database(format!("{} ({}) in {sql}", words(said), code.code()))
}

/// Whether nothing more can be asked on the connection: the server is shutting down, has crashed, has ended the session
/// because it stood still.
pub(super) fn ends_connection(said: &DbError) -> bool {
    let ends = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    ends.contains(said.code()) || ["FATAL", "PANIC"].contains(&said.severity())
}

/// Whether the transaction takes no writes; one that is meant to write has met a server which only copies another by now.
pub(super) fn is_read_only(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
}

/// What the server says, without the detail: that quotes rows, and may hold an address of somebody.
fn words(said: &DbError) -> String {
    format!("{}: {}", said.severity(), said.message())
}

/// The name from the migration; a `NOT NULL` has none and is told by its column, as SQLite does.
fn constraint_name(said: &DbError) -> String {
    match (said.constraint(), said.table(), said.column()) {
        (Some(name), _, _) => name.to_owned(),
        (None, Some(table), Some(column)) => format!("{table}.{column}"),
        _ => said.message().to_owned(),
    }
}

/// The driver's own words say little without what is under them.
pub(super) fn with_cause(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
