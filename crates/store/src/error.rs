//! What can go wrong with a database.

use std::time::Duration;

use bojagi_kernel::Failure;
use bojagi_kernel::refusal::Refuses;

/// Why a unit of work did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A constraint of this name was violated. The context that owns the table knows what it means.
    #[error("constraint {name} violated")]
    Constraint {
        /// The name of the unique index or check, as in the migration.
        name: String,
    },
    /// Too many units are waiting.
    #[error("too many units of work are waiting")]
    Overloaded,
    /// The store is shut.
    #[error("the store is closed")]
    Closed,
    /// The transaction that held the unit could not be committed; nothing of it happened.
    #[error("not committed: {0}")]
    NotCommitted(String),
    /// The connection broke while the commit was under way, and the database could not be asked afterwards what became
    /// of it: the unit may have happened or not.
    #[error("it is not known whether this was committed: {0}")]
    OutcomeUnknown(String),
    /// The database server does not answer, or refuses to talk; nothing happened.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// Others held what was needed for too long; nothing happened, and trying again makes sense.
    #[error("lost a race for the database: {0}")]
    Contended(String),
    /// A statement took longer than it may; nothing happened.
    #[error("the database took too long: {0}")]
    TimedOut(String),
    /// A row that must be there is not.
    #[error("no row where one was expected")]
    NoRow,
    /// A column does not hold what the code expects.
    #[error("column {index}: {problem}")]
    Column {
        /// Counted from 0.
        index: usize,
        /// What is wrong.
        problem: String,
    },
    /// The unit awaited something other than its transaction, or panicked.
    #[error("defective unit of work: {0}")]
    Defect(String),
    /// Anything else that the database says.
    #[error("database: {0}")]
    Database(String),
    /// The schema of the file is not one that this version can work with.
    #[error("migration {name}: {problem}")]
    Migration {
        /// The migration.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

impl Error {
    /// The name of the violated constraint, if that is what happened.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint { name } => Some(name),
            _ => None,
        }
    }
}

/// Why a unit of work did not happen, in the words of whoever asked for it.
pub trait Reason: From<Error> + Send + 'static {
    /// What broke, as one of a few words; nothing when it is a refusal, with which the store has done its work.
    fn fault(&self) -> Option<&'static str>;
}

impl Reason for Error {
    fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Constraint { .. } | Self::Overloaded | Self::Contended(_) => None,
            Self::Closed => Some("closed"),
            Self::NotCommitted(_) => Some("not_committed"),
            Self::OutcomeUnknown(_) => Some("outcome_unknown"),
            Self::Unreachable(_) => Some("unreachable"),
            Self::TimedOut(_) => Some("timed_out"),
            Self::NoRow => Some("no_row"),
            Self::Column { .. } => Some("column"),
            Self::Defect(_) => Some("defect"),
            Self::Database(_) => Some("database"),
            Self::Migration { .. } => Some("migration"),
        }
    }
}

impl Reason for Failure {
    fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Refused(_) => None,
            Self::Unavailable(_) => Some("unavailable"),
            Self::Broken(_) => Some("broken"),
        }
    }
}

bojagi_kernel::refusals! {
    /// What every context refuses for the sake of its store.
    pub enum StoreRefusal in "common" {
        /// More is waiting to be written or read than is waited for.
        Overloaded => Exhausted "OVERLOADED" ("too much is going on; try again shortly"),
        /// Others were changing the same rows for too long.
        Contended => LostRace "STORE_CONTENDED" ("others were changing the same; try again"),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Overloaded => StoreRefusal::Overloaded.refusal().retry_after(Duration::from_millis(200)).into(),
            Error::Contended(_) => StoreRefusal::Contended.refusal().retry_after(Duration::from_millis(50)).into(),
            Error::Closed
            | Error::NotCommitted(_)
            | Error::OutcomeUnknown(_)
            | Error::Unreachable(_)
            | Error::TimedOut(_) => Self::Unavailable(Box::new(error)),
            _ => Self::Broken(Box::new(error)),
        }
    }
}
