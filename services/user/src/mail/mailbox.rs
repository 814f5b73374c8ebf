//! A folder as a mail server: one readable `.eml` file a mail, for development and tests.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fmt, str};

use bojagi_kernel::Moment;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::fmt::rfc2822;

use super::letter::Letter;
use super::{MailFault, Mailer};

/// A mail in a mailbox folder.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// To whom it went.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was sent, to the second.
    pub at: Moment,
    /// The link in it, if there is one.
    pub link: Option<String>,
    /// The one-time token of the link, if there is one.
    pub token: Option<String>,
    /// Its text.
    pub text: String,
}

impl fmt::Debug for Mail {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail {{ subject: {:?}, at: {}, redacted }}", self.subject, self.at)
    }
}

/// The mails of a folder, the oldest first; none when the folder is not there. Files that are no mails are left out.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn read(folder: &Path) -> io::Result<Vec<Mail>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    // Names begin with the time.
    paths.sort();
    let mails = paths.iter().map(|path| Ok(parse(&fs::read(path)?))).collect::<io::Result<Vec<_>>>()?;
    Ok(mails.into_iter().flatten().collect())
}

fn parse(message: &[u8]) -> Option<Mail> {
    let message = str::from_utf8(message).ok()?.replace("\r\n", "\n");
    let (head, text) = message.split_once("\n\n")?;
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let at = rfc2822::DateTimeParser::new().parse_timestamp(header("Date")?).ok()?;
    let link = text.lines().map(str::trim).find(|line| line.starts_with("http") && line.contains("#token="));
    Some(Mail {
        to: header("To")?.to_owned(),
        subject: header("Subject")?.to_owned(),
        at: Moment::from_micros(at.as_microsecond()),
        link: link.map(str::to_owned),
        token: link.and_then(|link| link.split_once("#token=")).map(|(_, token)| token.to_owned()),
        text: text.to_owned(),
    })
}

/// Puts mails into the folder.
pub(crate) struct Mailbox {
    folder: PathBuf,
}

impl Mailbox {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Mailer for Mailbox {
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), MailFault>> {
        let folder = self.folder.clone();
        async move { Ok(tokio::task::spawn_blocking(move || put(&folder, &letter)).await??) }.boxed()
    }
}

/// Writes the file aside and then gives it its name, so that nobody reads half a mail. The name follows from the mail: sent
/// twice, it is there once.
fn put(folder: &Path, letter: &Letter) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = format!("{:020}-{}", letter.written_at.micros(), letter.mail_id);
    let aside = folder.join(format!("{name}.part"));
    let mut file = File::create(&aside)?;
    file.write_all(letter.message().as_bytes())?;
    // What is wiped from the queue after this must survive a power cut.
    file.sync_all()?;
    fs::rename(&aside, folder.join(format!("{name}.eml")))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::letter;
    use crate::secret::Secret;

    #[test]
    fn what_is_put_into_the_folder_is_read_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let token = Secret::generate().unwrap();
        let text = letter::verification("http://127.0.0.1:8080", &token, 60, true);
        let letter = Letter {
            mail_id: uuid::Uuid::now_v7(),
            from: "shop@example.com".into(),
            to: "mi.ja@example.com".into(),
            subject: text.subject.into(),
            body: text.body.clone(),
            written_at: Moment::from_micros(1_772_420_400_000_000),
        };
        let inside = folder.path().join("mailbox");
        assert_eq!(read(&inside).unwrap(), []);
        put(&inside, &letter).unwrap();
        put(&inside, &letter).unwrap();
        fs::write(inside.join("note.eml"), "no mail").unwrap();

        let mails = read(&inside).unwrap();
        assert_eq!(mails.len(), 1);
        assert_eq!((mails[0].to.as_str(), mails[0].subject.as_str()), ("mi.ja@example.com", "Verify your address"));
        assert_eq!(mails[0].at, letter.written_at);
        assert_eq!(mails[0].token.as_deref(), Some(token.reveal()));
        assert_eq!(mails[0].text, text.body);
        assert!(!format!("{:?}", mails[0]).contains(token.reveal()));
    }
}
