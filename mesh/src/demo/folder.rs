//! What the sample shop leaves in the data directory: the list of accounts, and the marker that says where all of it is there.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::DemoError;
use super::accounts::{DemoAccounts, INHABITANTS};

/// The list of accounts; only its owner may read it.
const ACCOUNTS: &str = "demo-accounts.txt";

/// The marker.
const COMPLETE: &str = "demo-complete";

/// The first line of the marker; each of the others is the account id of the admin of a sample shop.
const FIRST_LINE: &str = "The sample shop is complete; remove this file and it is completed again at the next start.";

/// What the marker says.
pub(super) struct Marker(String);

impl Marker {
    /// Whether the shop with this admin is complete. A marker that names none speaks of whatever shop there is.
    pub(super) fn is_of(&self, admin: &str) -> bool {
        let mut admins = self.0.lines().skip(1).peekable();
        admins.peek().is_none() || admins.any(|complete| complete == admin)
    }
}

pub(super) struct DemoFolder {
    accounts: PathBuf,
    complete: PathBuf,
}

impl DemoFolder {
    pub(super) fn in_data(data: &Path) -> Self {
        Self { accounts: data.join(ACCOUNTS), complete: data.join(COMPLETE) }
    }

    /// Where the list of accounts is.
    pub(super) fn list(&self) -> &Path {
        &self.accounts
    }

    pub(super) fn marker(&self) -> Result<Option<Marker>, DemoError> {
        Ok(read(&self.complete)?.map(Marker))
    }

    /// The accounts of the list; none when it was removed.
    pub(super) fn accounts(&self) -> Result<DemoAccounts, DemoError> {
        let text = read(&self.accounts)?.unwrap_or_default();
        Ok(DemoAccounts::from_text(&text))
    }

    /// The accounts of the list, or new ones, written down before anybody signs up with them. The flag says that the list was
    /// there, so that its accounts may exist.
    pub(super) fn accounts_or_new(&self) -> Result<(DemoAccounts, bool), DemoError> {
        if let Some(text) = read(&self.accounts)? {
            let accounts = DemoAccounts::from_text(&text);
            let listed = |email| accounts.list().iter().any(|account| account.email == email);
            return match INHABITANTS.iter().find(|person| !listed(person.email)) {
                None => Ok((accounts, true)),
                Some(person) => Err(DemoError::AccountMissing { path: self.accounts.clone(), email: person.email }),
            };
        }
        let accounts = DemoAccounts::generate();
        write_whole(&self.accounts, accounts.to_text().as_bytes())
            .map_err(|error| DemoError::File(self.accounts.clone(), error))?;
        Ok((accounts, false))
    }

    /// Takes the list back: nobody can sign in by it.
    pub(super) fn remove_accounts(&self) -> Result<(), DemoError> {
        fs::remove_file(&self.accounts).map_err(|error| DemoError::File(self.accounts.clone(), error))
    }

    /// Notes that the shop with this admin is complete, beside others for which that was noted.
    pub(super) fn mark_complete(&self, admin: &str) -> Result<(), DemoError> {
        let before = read(&self.complete)?.unwrap_or_else(|| format!("{FIRST_LINE}\n"));
        write_whole(&self.complete, format!("{before}{admin}\n").as_bytes())
            .map_err(|error| DemoError::File(self.complete.clone(), error))
    }
}

fn read(path: &Path) -> Result<Option<String>, DemoError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DemoError::File(path.to_owned(), error)),
    }
}

/// Writes a file that only its owner may read, under another name first, so that a crash leaves no half of it.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn accounts_are_made_once_and_belong_to_their_owner() {
        let data = tempfile::tempdir().unwrap();
        let folder = DemoFolder::in_data(data.path());
        let (accounts, begun_before) = folder.accounts_or_new().unwrap();
        assert!(!begun_before);
        assert_eq!(folder.accounts_or_new().unwrap(), (accounts, true));
        let mode = fs::metadata(data.path().join(ACCOUNTS)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_shortened_list_is_told() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(ACCOUNTS), "admin admin@bojagi.example some-password\n").unwrap();
        let error = DemoFolder::in_data(data.path()).accounts_or_new().unwrap_err();
        assert!(error.to_string().contains("haneul@bojagi.example"), "{error}");
    }

    #[test]
    fn the_marker_says_of_each_shop_that_it_is_complete() {
        let data = tempfile::tempdir().unwrap();
        let folder = DemoFolder::in_data(data.path());
        assert!(folder.marker().unwrap().is_none());
        folder.mark_complete("one").unwrap();
        let complete = |admin: &str| folder.marker().unwrap().unwrap().is_of(admin);
        assert_eq!((complete("one"), complete("another")), (true, false));
        folder.mark_complete("another").unwrap();
        assert_eq!((complete("one"), complete("another")), (true, true));
        assert_eq!(folder.accounts().unwrap().list(), []);

        fs::write(data.path().join(COMPLETE), format!("{FIRST_LINE}\n")).unwrap();
        assert!(complete("whoever"));
    }
}
