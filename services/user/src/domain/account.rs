//! Accounts and where they stand in their life.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;

use super::email::EmailAddress;
use super::refusal::UserRefusal;

/// Characters of a name at most.
pub(crate) const LONGEST_NAME: usize = 100;

/// What an account is signed up as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountKind {
    Customer,
    Seller,
}

/// Where an account stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountState {
    /// Signed up; the link in the mail was not used yet.
    Unverified,
    /// In use.
    Active,
    /// Unused for so long that the owner has to verify the address again.
    Dormant,
    /// Shut out by an admin.
    Suspended,
    /// Closed by its owner and anonymised; final.
    Closed,
}

impl AccountState {
    /// Who proves the password may come in only while the account is active.
    pub(crate) const fn admits(self) -> Result<(), UserRefusal> {
        match self {
            Self::Active => Ok(()),
            Self::Unverified => Err(UserRefusal::EmailNotVerified),
            Self::Dormant => Err(UserRefusal::AccountDormant),
            Self::Suspended => Err(UserRefusal::AccountSuspended),
            // A closed account has no address and no password that anybody could sign in with.
            Self::Closed => Err(UserRefusal::BadCredentials),
        }
    }
}

/// What the server has granted to an account: its roles follow from this, never from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) kind: AccountKind,
    pub(crate) is_admin: bool,
}

/// An account as it is shown to its owner and to admins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) account_id: AccountId,
    /// Absent once the account is closed.
    pub(crate) email: Option<String>,
    pub(crate) name: String,
    /// Empty when none was given.
    pub(crate) phone: String,
    pub(crate) standing: Standing,
    pub(crate) state: AccountState,
    pub(crate) created_at: Moment,
    pub(crate) last_used_at: Option<Moment>,
    /// Empty unless the account is suspended.
    pub(crate) suspension_reason: String,
}

/// A new account as its owner describes it, without the password.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    pub(crate) email: EmailAddress,
    pub(crate) name: String,
    pub(crate) phone: String,
    pub(crate) kind: AccountKind,
}

/// What a list of accounts looks through, so that case does not matter: the address and the name.
pub(crate) fn search_text(email: &str, name: &str) -> String {
    format!("{email}\n{}", name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_active_account_lets_its_owner_in() {
        let table = [
            (AccountState::Active, Ok(())),
            (AccountState::Unverified, Err(UserRefusal::EmailNotVerified)),
            (AccountState::Dormant, Err(UserRefusal::AccountDormant)),
            (AccountState::Suspended, Err(UserRefusal::AccountSuspended)),
            (AccountState::Closed, Err(UserRefusal::BadCredentials)),
        ];
        for (state, admitted) in table {
            assert_eq!(state.admits(), admitted);
        }
    }
}
