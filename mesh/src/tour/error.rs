//! Why a tour did not come to its end.

use std::io;

use bojagi_kernel::Failure;
use tonic::Status;

use crate::client::Refused;
use crate::people::JoinError;

/// Why a tour did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// Something is not what it should be.
    #[error("{what}: expected {expected}, got {actual}")]
    Differs {
        /// What was compared.
        what: String,
        /// What it should be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// A call was refused that should have been answered.
    #[error("refused: {0}")]
    Refused(Box<Refused>),
    /// Somebody could not join.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The admin could not be made one.
    #[error("the account could not be made an admin: {0}")]
    Grant(Failure),
    /// The timeline could not be printed.
    #[error("the timeline cannot be printed: {0}")]
    Output(#[from] io::Error),
}

impl TourError {
    /// `what` should be `expected`, and is `actual`.
    pub(super) fn differs(what: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self::Differs { what: what.into(), expected: expected.into(), actual: actual.into() }
    }
}

impl From<Status> for TourError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(Refused::read(&status)))
    }
}
