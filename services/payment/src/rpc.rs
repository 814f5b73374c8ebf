//! The gRPC services: wire ⇄ domain, no logic.

pub(crate) mod allocations;
mod methods;
mod payments;
pub(crate) mod show;
mod wallet;

pub(crate) use methods::MethodsApi;
pub(crate) use payments::PaymentsApi;
pub(crate) use wallet::WalletApi;

use bojagi_api::policy::Role;
use bojagi_chassis::Account;

/// Whether the account sees what belongs to others.
fn sees_all(account: &Account) -> bool {
    account.has(Role::Admin)
}
