//! What mails say.
//!
//! A mail holds nothing that a stranger typed, such as a name: whoever signs somebody else's address up must not be able to
//! write to them. So it is plain ASCII, and its text is its wire form.

use std::fmt;

use bojagi_kernel::Moment;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use uuid::Uuid;

use crate::secret::Secret;

/// A mail, ready to leave.
#[derive(Clone)]
pub(crate) struct Letter {
    pub(crate) mail_id: Uuid,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) written_at: Moment,
}

impl fmt::Debug for Letter {
    /// Neither the address nor the link in the text is for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter {{ mail_id: {}, redacted }}", self.mail_id)
    }
}

impl Letter {
    /// The message (RFC 5322), with lines that end as the protocol wants them.
    pub(crate) fn message(&self) -> String {
        let Self { mail_id, from, to, subject, body, written_at } = self;
        let sent = Timestamp::from_microsecond(written_at.micros()).unwrap_or(Timestamp::UNIX_EPOCH);
        let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&sent).unwrap_or_default();
        let domain = from.rsplit_once('@').map_or(from.as_str(), |(_, domain)| domain);
        let message = format!(
            "From: {from}\nTo: {to}\nSubject: {subject}\nDate: {date}\nMessage-ID: <{mail_id}@{domain}>\n\
             MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\nAuto-Submitted: auto-generated\n\n{body}"
        );
        message.replace('\n', "\r\n")
    }
}

/// Subject and text of a mail.
pub(crate) struct Text {
    pub(crate) subject: &'static str,
    pub(crate) body: String,
}

/// Proves an address for the first time. The account keeps the password of its sign-up, or has none to sign in with.
pub(crate) fn verification(base_url: &str, token: &Secret, minutes: u32, keeps_password: bool) -> Text {
    let opening = if keeps_password {
        "Somebody, you as we hope, signed up at Bojagi with this address."
    } else {
        "Somebody, you as we hope, signed up at Bojagi with this address. No password holds for it yet,\n\
         as when sign-ups with different ones came, maybe from somebody else: use the link first,\n\
         and then ask for a new password."
    };
    let closing = "If it was not you, do nothing: without the link nobody can sign in.";
    Text { subject: "Verify your address", body: with_link(opening, "verify-email", base_url, token, minutes, closing) }
}

/// Proves the address of an account that has not been used for long.
pub(crate) fn reactivation(base_url: &str, token: &Secret, minutes: u32) -> Text {
    let opening = "Your account at Bojagi has not been used for a long time and rests. This link wakes it.";
    let closing = "If you did not ask for this, do nothing: the account keeps resting.";
    Text { subject: "Verify your address", body: with_link(opening, "verify-email", base_url, token, minutes, closing) }
}

/// Sets a new password.
pub(crate) fn reset(base_url: &str, token: &Secret, minutes: u32) -> Text {
    let opening = "Somebody, you as we hope, wants to set a new password for your account at Bojagi.";
    let closing = "If it was not you, do nothing: your password stays as it is.";
    Text {
        subject: "Set a new password",
        body: with_link(opening, "reset-password", base_url, token, minutes, closing),
    }
}

/// Tells the owner of an account that the address was signed up once more.
pub(crate) fn already_known(base_url: &str) -> Text {
    let body = format!(
        "Hello,\n\nsomebody, you as we hope, signed up at Bojagi with this address. It has an account already, and nothing\n\
         was changed. Sign in with your password, or ask for a new one, at\n\n    {base_url}\n\n\
         If it was not you, do nothing: whoever it was has learned nothing.\n"
    );
    Text { subject: "You have an account already", body }
}

/// The token stands behind a `#`: that part of a link stays in the browser and gets into no server's log.
fn with_link(opening: &str, page: &str, base_url: &str, token: &Secret, minutes: u32, closing: &str) -> String {
    let token = token.reveal();
    format!(
        "Hello,\n\n{opening}\n\nOpen this link within {minutes} minutes:\n\n    {base_url}/{page}#token={token}\n\n\
         The token, for those who call the API themselves:\n\n    {token}\n\n{closing}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_complete_and_readable() {
        let letter = Letter {
            mail_id: Uuid::nil(),
            from: "shop@example.com".into(),
            to: "mi.ja@example.com".into(),
            subject: "Verify your address".into(),
            body: "Hello,\n\nthere.\n".into(),
            written_at: Moment::from_micros(1_772_420_400_000_000),
        };
        let message = letter.message();
        assert!(
            message.starts_with("From: shop@example.com\r\nTo: mi.ja@example.com\r\nSubject: Verify your address\r\n")
        );
        assert!(message.contains("Date: Mon, 02 Mar 2026 03:00:00 GMT\r\n"), "{message}");
        assert!(message.ends_with("\r\n\r\nHello,\r\n\r\nthere.\r\n"));
        assert!(!format!("{letter:?}").contains("mi.ja"));
    }

    #[test]
    fn lines_are_short_enough_for_every_mail_server() {
        let token = Secret::generate().unwrap();
        let base = "https://shop.example.com";
        let verifications = [true, false].map(|keeps_password| verification(base, &token, 60, keeps_password));
        for text in verifications.into_iter().chain([reactivation(base, &token, 60), reset(base, &token, 60)]) {
            assert!(text.body.is_ascii() && text.body.contains(&format!("#token={}\n", token.reveal())));
            assert!(text.body.lines().all(|line| line.len() < 200));
        }
        assert!(already_known(base).body.contains(base));
    }
}
