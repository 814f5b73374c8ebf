//! Everybody of the sample shop signs up and in, or, when that was cut short before, goes on where it stopped.

use std::path::Path;

use bojagi_api::options::Role;
use bojagi_api::user::{AccountKind, ResendVerificationRequest};
use bojagi_kernel::Failure;
use prost_types::Timestamp;

use super::accounts::{DemoAccount, DemoAccounts, DemoRole, INHABITANTS};
use super::{DemoError, side_by_side};
use crate::client::GatewayClient;
use crate::people::{self, JoinError, Member, Person};

/// Everybody, signed in.
pub(super) struct Cast {
    pub(super) admin: Member,
    pub(super) sellers: Vec<Member>,
    pub(super) customers: Vec<Member>,
    /// The moment that the times of the sample shop are counted from; the same in every attempt.
    pub(super) opened_at: Timestamp,
}

pub(super) async fn join_all(
    gateway: &GatewayClient,
    mailbox: &Path,
    accounts: &DemoAccounts,
    begun_before: bool,
    grant_admin: impl AsyncFn(&str) -> Result<(), Failure>,
) -> Result<Cast, DemoError> {
    let join = async |account: &DemoAccount| {
        let person = person(account);
        let joined = if begun_before {
            go_on(gateway, mailbox, &person).await
        } else {
            people::join(gateway, mailbox, &person).await
        };
        joined.map_err(|cause| DemoError::join(&person.email, cause))
    };
    let everybody = |role| accounts.list().iter().filter(move |account| account.role == role);
    let incomplete = || DemoError::Incomplete("the admin".to_owned());

    // First: where that account is somebody else's, nobody joins.
    let admin = everybody(DemoRole::Admin).next().ok_or_else(incomplete)?;
    let admin = make_admin(gateway, &person(admin), join(admin).await?, grant_admin).await?;
    let sellers = side_by_side(everybody(DemoRole::Seller).map(&join));
    let customers = side_by_side(everybody(DemoRole::Customer).map(&join));
    let (sellers, customers) = tokio::try_join!(sellers, customers)?;

    let opened_at = admin.account.created_at.ok_or_else(incomplete)?;
    Ok(Cast { admin, sellers, customers, opened_at })
}

fn person(account: &DemoAccount) -> Person {
    let inhabitant = INHABITANTS.iter().find(|inhabitant| inhabitant.email == account.email);
    Person {
        email: account.email.clone(),
        password: account.password.clone(),
        name: inhabitant.map_or(account.email.as_str(), |inhabitant| inhabitant.name).to_owned(),
        kind: if account.role == DemoRole::Seller { AccountKind::Seller } else { AccountKind::Customer },
    }
}

/// Joins from whatever an earlier attempt has left: everything, an account that is not verified, or nothing.
async fn go_on(gateway: &GatewayClient, mailbox: &Path, person: &Person) -> Result<Member, JoinError> {
    let refused = match people::sign_in(gateway, &person.email, &person.password).await {
        Ok(member) => return Ok(member),
        Err(refused) => refused,
    };
    match refused.reason() {
        "EMAIL_NOT_VERIFIED" => {
            let mut mails_before = people::mails_to(mailbox, &person.email).await?;
            let resend = ResendVerificationRequest { email: person.email.clone() };
            gateway.accounts().resend_verification(resend).await.map_err(JoinError::refused("ResendVerification"))?;
            loop {
                let token = people::link_in_mail(mailbox, &person.email, mails_before).await?;
                match people::verify_email(gateway, &token).await {
                    // A mail of the earlier attempt that was on its way; the one that was asked for is still to come.
                    Err(refused) if refused.reason() == "LINK_INVALID" => mails_before += 1,
                    verified => break verified?,
                }
            }
            people::sign_in(gateway, &person.email, &person.password).await
        }
        "BAD_CREDENTIALS" => people::join(gateway, mailbox, person).await,
        _ => Err(refused),
    }
}

/// A role is in the token that is issued after it was granted.
async fn make_admin(
    gateway: &GatewayClient,
    person: &Person,
    member: Member,
    grant_admin: impl AsyncFn(&str) -> Result<(), Failure>,
) -> Result<Member, DemoError> {
    if member.has(Role::Admin) {
        return Ok(member);
    }
    let granted = grant_admin(&person.email).await;
    granted.map_err(|cause| DemoError::Grant { email: person.email.clone(), cause })?;
    let signed_in = people::sign_in(gateway, &person.email, &person.password).await;
    signed_in.map_err(|cause| DemoError::join(&person.email, cause))
}
