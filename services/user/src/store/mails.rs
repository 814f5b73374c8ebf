//! Mails on their way.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Bind, Error, Tx, params};
use uuid::Uuid;

/// What a mail is about. What it says is decided when it is written, since that depends on whether the address is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Occasion {
    /// Somebody signed up with the address.
    SignUp,
    /// Somebody wants a new verification link.
    Verification,
    /// Somebody wants to set a new password.
    Reset,
}

bojagi_store::stored_enum!(Occasion { SignUp => "SIGN_UP", Verification => "VERIFICATION", Reset => "RESET" });

/// A mail whose time has come, and the account that has its address, if one has.
pub(crate) struct DueMail {
    pub(crate) mail_id: Uuid,
    pub(crate) account_id: Option<AccountId>,
}

bojagi_store::from_row!(DueMail { mail_id, account_id });

/// A mail that was taken.
#[derive(Clone)]
pub(crate) struct QueuedMail {
    pub(crate) mail_id: Uuid,
    pub(crate) recipient: String,
    pub(crate) occasion: Occasion,
    /// Absent until the mail is written.
    pub(crate) subject: Option<String>,
    /// Absent until the mail is written.
    pub(crate) body: Option<String>,
    pub(crate) queued_at: Moment,
    pub(crate) attempts: i64,
}

bojagi_store::from_row!(QueuedMail { mail_id, recipient, occasion, subject, body, queued_at, attempts });

/// Queues a mail, in the unit of what it is about, and wakes the one who sends it.
pub(crate) async fn queue(tx: &mut Tx, recipient: &str, occasion: Occasion, now: Moment) -> Result<(), Error> {
    tx.send(
        "INSERT INTO mail (mail_id, recipient, occasion, queued_at, attempts, next_attempt_at)
         VALUES (?1, ?2, ?3, ?4, 0, ?4)",
        params![Uuid::now_v7(), recipient, occasion, now],
    )
    .await?;
    tx.announce();
    Ok(())
}

/// Mails that are due, the longest waiting first, at most `limit`.
pub(crate) async fn due(tx: &mut Tx, now: Moment, limit: i64) -> Result<Vec<DueMail>, Error> {
    tx.fetch_all(
        "SELECT m.mail_id, a.account_id FROM mail m LEFT JOIN account a ON a.email = m.recipient
         WHERE m.next_attempt_at <= ?1 ORDER BY m.next_attempt_at, m.queued_at LIMIT ?2",
        params![now, limit],
    )
    .await
}

/// Takes what is still due of these mails, until `lease_ends`; whoever took them is then believed to have died. The longest
/// waiting come first.
pub(crate) async fn take(
    tx: &mut Tx,
    due: &[DueMail],
    now: Moment,
    lease_ends: Moment,
) -> Result<Vec<QueuedMail>, Error> {
    let rows: Vec<_> = due.iter().map(|mail| vec![mail.mail_id.bind(), now.bind(), lease_ends.bind()]).collect();
    let mut taken: Vec<QueuedMail> = tx
        .fetch_many(
            "UPDATE mail SET attempts = attempts + 1, next_attempt_at = v.column3
         FROM (VALUES {(?1, ?2, ?3)}) AS v WHERE mail.mail_id = v.column1 AND next_attempt_at <= v.column2
         RETURNING mail_id, recipient, occasion, subject, body, queued_at, attempts",
            &rows,
        )
        .await?;
    taken.sort_by_key(|mail| (mail.queued_at, mail.mail_id));
    Ok(taken)
}

/// Keeps what a mail says.
pub(crate) async fn write(tx: &mut Tx, mail_id: Uuid, subject: &str, body: &str) -> Result<(), Error> {
    let sql = "UPDATE mail SET subject = ?2, body = ?3 WHERE mail_id = ?1";
    tx.send(sql, params![mail_id, subject, body]).await
}

/// Wipes a mail that has left, or that is not to leave.
pub(crate) async fn wipe(tx: &mut Tx, mail_id: Uuid) -> Result<(), Error> {
    tx.send("DELETE FROM mail WHERE mail_id = ?1", params![mail_id]).await
}

/// Wipes the mails to an address that are written and have this subject.
pub(crate) async fn wipe_written(tx: &mut Tx, recipient: &str, subject: &str) -> Result<(), Error> {
    tx.send("DELETE FROM mail WHERE recipient = ?1 AND subject = ?2", params![recipient, subject]).await
}

/// Wipes every mail to an address.
pub(crate) async fn wipe_all_to(tx: &mut Tx, recipient: &str) -> Result<(), Error> {
    tx.send("DELETE FROM mail WHERE recipient = ?1", params![recipient]).await
}

/// Puts off a mail that could not leave, unless somebody else has taken it meanwhile, who may be sending it.
pub(crate) async fn put_off(tx: &mut Tx, mail_id: Uuid, attempts: i64, until: Moment) -> Result<(), Error> {
    let sql = "UPDATE mail SET next_attempt_at = ?3 WHERE mail_id = ?1 AND attempts = ?2";
    tx.send(sql, params![mail_id, attempts, until]).await
}
