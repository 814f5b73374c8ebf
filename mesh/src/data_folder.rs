//! The data directory: one process at a time, one secret, and the stores unless they are on a server.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// The namespace of the names of processes.
const INSTANCES: Uuid = Uuid::from_u128(0x0c5e_b9d7_53f4_4b0e_8e39_1d6a_c2f7_9b04);

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another process uses it.
    #[error("the data directory {0} is in use by another process; stop that one or choose another with --data")]
    Locked(PathBuf),
    /// It cannot be made, read or written.
    #[error("the data directory {0} cannot be used: {1}")]
    Unusable(PathBuf, std::io::Error),
}

/// A data directory that belongs to this process until it is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// The operating system gives the lock back when the file is closed, however the process ends.
    _lock: File,
}

impl DataFolder {
    /// Takes a directory; it is made when it is not there.
    ///
    /// # Errors
    /// When another process has it, or it cannot be used.
    pub fn take(path: &Path) -> Result<Self, DataFolderError> {
        let unusable = |error| DataFolderError::Unusable(path.to_owned(), error);
        // Keys are in here, and what customers told the shop: nobody else's business.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let lock = File::create(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(DataFolderError::Locked(path.to_owned())),
            Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the process on this directory is called among others: unlike any of them, and the same whenever it is started.
    ///
    /// # Errors
    /// When the secret, which it is derived from, cannot be read or written.
    pub fn instance(&self) -> Result<String, DataFolderError> {
        Ok(format!("up-{}", Uuid::new_v5(&INSTANCES, &self.secret()?).simple()))
    }

    /// The secret that page tokens are signed with; it is made at first use.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn secret(&self) -> Result<[u8; 32], DataFolderError> {
        let path = self.path.join("secret");
        let unusable = |error| DataFolderError::Unusable(path.clone(), error);
        let mut secret = [0; 32];
        match File::open(&path) {
            Ok(mut file) => file.read_exact(&mut secret).map_err(unusable)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                secret = rand::random();
                // Written whole under another name first, so that a crash leaves no half of it.
                let fresh = self.path.join("secret.new");
                let mut file = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&fresh)
                    .map_err(unusable)?;
                file.write_all(&secret).and_then(|()| file.sync_all()).map_err(unusable)?;
                std::fs::rename(&fresh, &path).map_err(unusable)?;
            }
            Err(error) => return Err(unusable(error)),
        }
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_at_a_time_and_keeps_its_secret() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = DataFolder::take(&path).unwrap();
        assert!(matches!(DataFolder::take(&path), Err(DataFolderError::Locked(_))));
        let (secret, instance) = (first.secret().unwrap(), first.instance().unwrap());
        drop(first);
        let again = DataFolder::take(&path).unwrap();
        assert_eq!((again.secret().unwrap(), again.instance().unwrap()), (secret, instance.clone()));
        let other = DataFolder::take(&parent.path().join("other")).unwrap();
        assert_ne!(other.instance().unwrap(), instance);
    }
}
