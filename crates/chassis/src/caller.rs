//! Who calls.

use std::sync::Arc;

use bojagi_api::policy::Role;
use bojagi_kernel::Failure;
use bojagi_kernel::id::AccountId;
use uuid::Uuid;

use crate::CommonRefusal;

/// A signed-in account, as its access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub account_id: AccountId,
    /// The session that the token belongs to.
    pub session_id: Uuid,
    /// The roles that the server gave to the account.
    pub roles: Vec<Role>,
}

impl Account {
    /// Whether the account has the role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Who calls. The guard puts it into every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody that we know.
    Anonymous,
    /// A signed-in account.
    Account(Arc<Account>),
    /// Another context, by its name.
    Workload(&'static str),
}

impl Caller {
    /// Who made this request.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or(Self::Anonymous)
    }

    /// The account that calls.
    ///
    /// # Errors
    /// Refuses `TOKEN_MISSING` when it is not an account.
    pub fn account(&self) -> Result<&Account, Failure> {
        match self {
            Self::Account(account) => Ok(account),
            Self::Anonymous | Self::Workload(_) => Err(CommonRefusal::TokenMissing.into()),
        }
    }

    /// The caller as a key, so that request ids of different callers never meet.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Account(account) => account.account_id.to_string(),
            Self::Workload(name) => format!("workload:{name}"),
        }
    }
}
