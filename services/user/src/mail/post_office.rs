//! The task that writes the mails of the queue and sends them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::{LockKey, Store, Tx};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::Mailer;
use super::letter::{self, Letter, Text};
use crate::config::Config;
use crate::domain::account::AccountState;
use crate::limits::Limits;
use crate::secret::Secret;
use crate::store::links::{LinkPurpose, NewLink};
use crate::store::mails::{Occasion, QueuedMail};
use crate::store::{accounts, links, mails};

/// Mails taken at once.
const BATCH: i64 = 32;
/// Deliveries under way at once.
const AT_ONCE: usize = 8;
/// How often the queue is looked at when nobody wakes the task: retries become due by the clock.
const LOOK: Duration = Duration::from_secs(1);
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// What the deliveries of a round may take beyond the timeouts of the mail server before somebody else may try.
const SLACK: Duration = Duration::from_secs(60);

/// Writes and sends.
pub(crate) struct PostOffice {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) mailer: Arc<dyn Mailer>,
}

impl PostOffice {
    /// Works until `stop` is cancelled. What has begun to leave is finished first.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut announcements = self.store.announcements();
        while !stop.is_cancelled() {
            announcements.mark_unchanged();
            match self.round().await {
                Ok(taken) if taken == BATCH as usize => continue,
                Ok(_) => {}
                Err(failure) => tracing::error!(%failure, "the mail queue cannot be worked on; it is tried again"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = announcements.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Takes what is due, writes what is not written yet, sends; answers how many were taken.
    async fn round(&self) -> Result<usize, Failure> {
        let now = self.clock.now();
        let due = self.store.read(async move |tx: &mut Tx| Ok::<_, Failure>(mails::due(tx, now, BATCH).await?)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        // What a mail says depends on the account, and a link in it belongs to the account.
        let locked: Vec<_> = due.iter().filter_map(|mail| mail.account_id).map(LockKey::of).chain([queue()]).collect();
        let lease_ends = now + longest_round(&self.config);
        let mut desk =
            Desk { config: Arc::clone(&self.config), limits: Arc::clone(&self.limits), now, letters: vec![] };
        let (taken, letters) = self
            .store
            .write_locking(locked, async move |tx: &mut Tx| {
                let taken = mails::take(tx, &due, now, lease_ends).await?;
                let owners: HashMap<_, _> = due.into_iter().map(|mail| (mail.mail_id, mail.account_id)).collect();
                let count = taken.len();
                for mail in taken {
                    let owner = owners.get(&mail.mail_id).copied().flatten();
                    desk.prepare(tx, mail, owner).await?;
                }
                Ok::<_, Failure>((count, desk.letters))
            })
            .await?;
        let deliveries = letters.into_iter().map(|(letter, attempts)| self.deliver(letter, attempts));
        let outcomes: Vec<_> = futures::stream::iter(deliveries).buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(taken)
    }

    async fn deliver(&self, letter: Letter, attempts: i64) -> Result<(), Failure> {
        let mail_id = letter.mail_id;
        match self.mailer.send(letter).await {
            Ok(()) => {
                let unit = async move |tx: &mut Tx| Ok(mails::wipe(tx, mail_id).await?);
                self.store.write_locking([queue()], unit).await
            }
            Err(fault) => {
                tracing::warn!(%mail_id, attempts, %fault, "a mail could not leave; it is tried again");
                let until = self.clock.now() + pause_after(attempts);
                let unit = async move |tx: &mut Tx| Ok(mails::put_off(tx, mail_id, attempts, until).await?);
                self.store.write_locking([queue()], unit).await
            }
        }
    }
}

/// What is locked by whoever changes mails on their way: several instances take them.
fn queue() -> LockKey {
    LockKey::named("mail", "queue")
}

/// How long a round takes when every delivery runs into its timeout: the last ones wait for those before them.
fn longest_round(config: &Config) -> Duration {
    let one_after_the_other = (BATCH as u32).div_ceil(AT_ONCE as u32);
    Duration::from_secs(u64::from(config.smtp.timeout_seconds)) * one_after_the_other + SLACK
}

fn pause_after(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or_default();
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

/// Where the letters of a round are written.
struct Desk {
    config: Arc<Config>,
    limits: Arc<Limits>,
    now: Moment,
    /// Those that are ready, with how often each was tried.
    letters: Vec<(Letter, i64)>,
}

impl Desk {
    /// Makes the letter of a mail ready. When there is nothing to say, or it is too late to say it, the mail is wiped.
    async fn prepare(&mut self, tx: &mut Tx, mail: QueuedMail, owner: Option<AccountId>) -> Result<(), Failure> {
        let mail_id = mail.mail_id;
        let prepared = if self.now.since(mail.queued_at) >= self.config.link_life() {
            tracing::error!(%mail_id, attempts = mail.attempts, "a mail is given up: its link would not hold any more");
            None
        } else {
            match (&mail.subject, &mail.body) {
                (Some(subject), Some(body)) => Some((subject.clone(), body.clone())),
                _ => self.write(tx, &mail, owner).await?,
            }
        };
        let Some((subject, body)) = prepared else {
            return Ok(mails::wipe(tx, mail_id).await?);
        };
        let from = self.config.smtp.from.clone();
        let letter = Letter { mail_id, from, to: mail.recipient, subject, body, written_at: mail.queued_at };
        self.letters.push((letter, mail.attempts));
        Ok(())
    }

    /// Decides what a mail says to the owner of its address, and keeps it until it has left.
    async fn write(
        &mut self,
        tx: &mut Tx,
        mail: &QueuedMail,
        owner: Option<AccountId>,
    ) -> Result<Option<(String, String)>, Failure> {
        let Some(owner) = owner else { return Ok(None) };
        let account = accounts::credentials(tx, owner).await?.filter(|account| account.state != AccountState::Closed);
        let Some(account) = account else { return Ok(None) };
        let (mail_id, recipient, occasion) = (mail.mail_id, mail.recipient.as_str(), mail.occasion);
        let (base, minutes) = (self.config.link_base_url.as_str(), self.config.link_minutes);
        let token = Secret::generate()?;
        let (text, purpose): (Text, _) = match (occasion, account.state) {
            (Occasion::SignUp | Occasion::Verification, AccountState::Unverified) => {
                let keeps_password = account.usable_hash().is_some();
                (letter::verification(base, &token, minutes, keeps_password), Some(LinkPurpose::Verify))
            }
            (Occasion::Verification, AccountState::Dormant) => {
                (letter::reactivation(base, &token, minutes), Some(LinkPurpose::Verify))
            }
            (Occasion::SignUp, _) => (letter::already_known(base), None),
            (Occasion::Verification, _) => return Ok(None),
            (Occasion::Reset, _) => (letter::reset(base, &token, minutes), Some(LinkPurpose::Reset)),
        };
        if !self.limits.admits_mail(occasion, recipient, self.now) {
            tracing::warn!(%mail_id, "a mail is not sent: too many went to its address of late");
            return Ok(None);
        }
        if let Some(purpose) = purpose {
            let expires_at = self.now + self.config.link_life();
            links::replace(tx, NewLink { token: token.hash(), account_id: owner, purpose, expires_at }).await?;
            self.forget_earlier(tx, recipient, text.subject).await?;
        }
        mails::write(tx, mail_id, text.subject, &text.body).await?;
        Ok(Some((text.subject.to_owned(), text.body)))
    }

    /// Lets no letter leave any more whose link is void: arriving later, it would be taken for the one that holds. What a link is
    /// for is told by the subject.
    async fn forget_earlier(&mut self, tx: &mut Tx, recipient: &str, subject: &str) -> Result<(), Failure> {
        mails::wipe_written(tx, recipient, subject).await?;
        self.letters.retain(|(letter, _)| (letter.to.as_str(), letter.subject.as_str()) != (recipient, subject));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
