//! How somebody becomes a member of the shop: signs up, reads the mail, verifies the address, signs in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bojagi_api::options::Role;
use bojagi_api::user::{Account, AccountKind, SignInRequest, SignUpRequest, VerifyEmailRequest};
use bojagi_user::mailbox;
use tokio::time::MissedTickBehavior;
use tonic::Status;

use crate::client::{ClientError, GatewayClient, Refused};

/// How long a mail may take to arrive in the mailbox folder.
const MAIL_PATIENCE: Duration = Duration::from_secs(60);

/// How often the mailbox folder is looked at while a mail is awaited.
const MAIL_INTERVAL: Duration = Duration::from_millis(5);

/// Somebody who wants to join.
#[derive(Clone)]
pub struct Person {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The name to show.
    pub name: String,
    /// Customer or seller.
    pub kind: AccountKind,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Member {
    /// The account as it was at sign-in.
    pub account: Account,
    /// Calls as this account, for as long as its access token holds.
    pub gateway: GatewayClient,
}

impl Member {
    /// Whether the account had the role when it signed in.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.account.roles.contains(&(role as i32))
    }
}

/// Why somebody did not become a member.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The shop refused.
    #[error("{step} was refused: {refused}")]
    Refused {
        /// What was asked.
        step: &'static str,
        /// What was answered.
        refused: Box<Refused>,
    },
    /// No mail with a link came.
    #[error("no mail with a link came to {0} within a minute")]
    NoMail(String),
    /// The address belongs to an account already, which its owner was told in a mail without a link.
    #[error("somebody has an account with {0} already, under another password")]
    Known(String),
    /// The mailbox folder cannot be read.
    #[error("the mailbox folder {0} cannot be read: {1}")]
    Mailbox(PathBuf, std::io::Error),
    /// An answer lacks what it has to hold.
    #[error("the answer to {0} holds no account or no tokens")]
    Incomplete(&'static str),
    /// The access token cannot be used.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl JoinError {
    /// The reason of a refusal, or an empty text.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused { refused, .. } => &refused.reason,
            _ => "",
        }
    }

    pub(crate) fn refused(step: &'static str) -> impl Fn(Status) -> Self {
        move |status| Self::Refused { step, refused: Box::new(Refused::read(&status)) }
    }
}

/// Joins: from the sign-up to the first sign-in. The mail is read from the mailbox folder.
///
/// # Errors
/// See [`JoinError`]; `Known` when the address has an account.
pub async fn join(gateway: &GatewayClient, mailbox: &Path, person: &Person) -> Result<Member, JoinError> {
    let mails_before = mails_to(mailbox, &person.email).await?;
    sign_up(gateway, person).await?;
    let first_answer = |links: Vec<Option<String>>| links.into_iter().nth(mails_before);
    let token = awaited(mailbox, &person.email, first_answer).await?;
    let token = token.ok_or_else(|| JoinError::Known(person.email.clone()))?;
    verify_email(gateway, &token).await?;
    sign_in(gateway, &person.email, &person.password).await
}

/// Asks for an account. The answer is the same whether or not the address is taken.
///
/// # Errors
/// When it is refused.
pub async fn sign_up(gateway: &GatewayClient, person: &Person) -> Result<(), JoinError> {
    let request = SignUpRequest {
        email: person.email.clone(),
        password: person.password.clone(),
        name: person.name.clone(),
        phone: String::new(),
        kind: person.kind.into(),
    };
    gateway.accounts().sign_up(request).await.map_err(JoinError::refused("SignUp"))?;
    Ok(())
}

/// Proves the address with the token of the link.
///
/// # Errors
/// When it is refused.
pub async fn verify_email(gateway: &GatewayClient, token: &str) -> Result<(), JoinError> {
    let request = VerifyEmailRequest { token: token.to_owned() };
    gateway.accounts().verify_email(request).await.map_err(JoinError::refused("VerifyEmail"))?;
    Ok(())
}

/// Signs in.
///
/// # Errors
/// When it is refused.
pub async fn sign_in(gateway: &GatewayClient, email: &str, password: &str) -> Result<Member, JoinError> {
    let request =
        SignInRequest { email: email.to_owned(), password: password.to_owned(), device_name: "bojagi".to_owned() };
    let answer = gateway.sessions().sign_in(request).await.map_err(JoinError::refused("SignIn"))?.into_inner();
    let (Some(tokens), Some(account)) = (answer.tokens, answer.account) else {
        return Err(JoinError::Incomplete("SignIn"));
    };
    Ok(Member { account, gateway: gateway.signed_in(&tokens.access_token)? })
}

/// How many mails have come to an address.
///
/// # Errors
/// When the folder cannot be read.
pub async fn mails_to(mailbox: &Path, email: &str) -> Result<usize, JoinError> {
    links_to(mailbox, email).await.map(|links| links.len())
}

/// Waits until more than `mails_before` mails have come to an address, and answers the token of the newest one's link.
///
/// # Errors
/// `NoMail` when none comes in time.
pub async fn link_in_mail(mailbox: &Path, email: &str, mails_before: usize) -> Result<String, JoinError> {
    awaited(mailbox, email, |links| links.into_iter().skip(mails_before).flatten().last()).await
}

/// Waits until `found` finds something among the links to an address.
async fn awaited<T>(
    mailbox: &Path,
    email: &str,
    found: impl Fn(Vec<Option<String>>) -> Option<T>,
) -> Result<T, JoinError> {
    let mut look = tokio::time::interval(MAIL_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let arrived = tokio::time::timeout(MAIL_PATIENCE, async {
        loop {
            look.tick().await;
            if let Some(awaited) = found(links_to(mailbox, email).await?) {
                return Ok(awaited);
            }
        }
    });
    arrived.await.unwrap_or_else(|_| Err(JoinError::NoMail(email.to_owned())))
}

/// The tokens in the mails to an address, oldest mail first; `None` for a mail without a link.
async fn links_to(mailbox: &Path, email: &str) -> Result<Vec<Option<String>>, JoinError> {
    let folder = mailbox.to_owned();
    let mails =
        tokio::task::spawn_blocking(move || mailbox::read(&folder)).await.unwrap_or_else(|died| Err(died.into()));
    let mails = mails.map_err(|error| JoinError::Mailbox(mailbox.to_owned(), error))?;
    let own = mails.into_iter().filter(|mail| mail.to.eq_ignore_ascii_case(email));
    Ok(own.map(|mail| mail.token).collect())
}
