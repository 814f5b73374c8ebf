//! What the sample shop leaves in the data directory: the list of accounts, and the marker that all of it is there.

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

pub(super) struct DemoFolder {
    accounts: PathBuf,
    complete: PathBuf,
}

impl DemoFolder {
    pub(super) fn in_data(data: &Path) -> Self {
        Self { accounts: data.join(ACCOUNTS), complete: data.join(COMPLETE) }
    }

    pub(super) fn is_complete(&self) -> Result<bool, DemoError> {
        self.complete.try_exists().map_err(|error| DemoError::File(self.complete.clone(), error))
    }

    /// The accounts of the list; none when it was removed.
    pub(super) fn accounts(&self) -> Result<DemoAccounts, DemoError> {
        let text = self.read()?.unwrap_or_default();
        Ok(DemoAccounts::from_text(&text))
    }

    /// The accounts of the list, or new ones, written down before anybody signs up with them. The flag says that the list was
    /// there, so that its accounts may exist.
    pub(super) fn accounts_or_new(&self) -> Result<(DemoAccounts, bool), DemoError> {
        if let Some(text) = self.read()? {
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

    pub(super) fn mark_complete(&self) -> Result<(), DemoError> {
        let text = b"The sample shop is complete; remove this file and it is completed again at the next start.\n";
        write_whole(&self.complete, text).map_err(|error| DemoError::File(self.complete.clone(), error))
    }

    fn read(&self) -> Result<Option<String>, DemoError> {
        match fs::read_to_string(&self.accounts) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DemoError::File(self.accounts.clone(), error)),
        }
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
    fn the_marker_stays() {
        let data = tempfile::tempdir().unwrap();
        let folder = DemoFolder::in_data(data.path());
        assert!(!folder.is_complete().unwrap());
        folder.mark_complete().unwrap();
        assert!(folder.is_complete().unwrap());
        assert_eq!(folder.accounts().unwrap().list(), []);
    }
}
