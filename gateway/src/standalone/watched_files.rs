//! Files whose changes are noticed, by looking at them now and then.
//!
//! Looking works everywhere: over a network, for a file that does not exist yet, and for one that is a link to a link that is replaced, which
//! is how Kubernetes mounts configuration. A few calls of `stat` a second cost nothing.

use std::collections::BTreeMap;
use std::future::pending;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Files and how they were when they were last read.
pub struct WatchedFiles {
    read: Looks,
}

type Looks = BTreeMap<PathBuf, Option<Look>>;

/// How a file looks; a change of what is in it changes at least one of these.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl WatchedFiles {
    /// Looks at files that are about to be read.
    #[must_use]
    pub fn look_at(files: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { read: files.into_iter().map(|file| (file.clone(), look(&file))).collect() }
    }

    /// Looks at the same files, which are about to be read again.
    pub fn look_again(&mut self) {
        self.read = looks(&self.read);
    }

    /// From now on it is about these files; those that are new are about to be read.
    pub fn follow(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        let known = std::mem::take(&mut self.read);
        let look_of = |file: &PathBuf| known.get(file).copied().unwrap_or_else(|| look(file));
        self.read = files.into_iter().map(|file| (file.clone(), look_of(&file))).collect();
    }

    /// Ends when a file has changed and then has not changed again between two looks, so that nobody reads what is still being written.
    /// Never ends without an interval.
    pub async fn changed(&self, interval: Option<Duration>) {
        let Some(interval) = interval else { return pending().await };
        let mut last = None;
        loop {
            tokio::time::sleep(interval).await;
            let now = looks(&self.read);
            if now != self.read && last.as_ref() == Some(&now) {
                return;
            }
            last = Some(now);
        }
    }
}

fn looks(files: &Looks) -> Looks {
    files.keys().map(|file| (file.clone(), look(file))).collect()
}

/// How the file looks, or nothing if it is not there.
fn look(file: &Path) -> Option<Look> {
    let metadata = std::fs::metadata(file).ok()?;
    Some(Look { modified: metadata.modified().ok(), length: metadata.len(), inode: metadata.ino() })
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_change_is_noticed_once_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("config.toml"), folder.path().join("not-yet"));
        std::fs::write(&file, "a").unwrap();
        let mut watched = WatchedFiles::look_at([file.clone(), other.clone()]);
        let unchanged = timeout(INTERVAL * 100, watched.changed(Some(INTERVAL))).await;
        assert!(unchanged.is_err(), "nothing has happened");

        std::fs::write(&file, "ab").unwrap();
        let began = Instant::now();
        watched.changed(Some(INTERVAL)).await;
        assert_eq!(began.elapsed(), INTERVAL * 2, "one look sees it, the next one that it is over");

        watched.look_again();
        assert!(timeout(INTERVAL * 100, watched.changed(Some(INTERVAL))).await.is_err(), "it is known now");
        std::fs::write(&other, "").unwrap();
        watched.changed(Some(INTERVAL)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_longer_named_is_no_longer_watched() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, dropped) = (folder.path().join("kept"), folder.path().join("dropped"));
        let mut watched = WatchedFiles::look_at([kept.clone(), dropped.clone()]);
        std::fs::write(&kept, "changed while it was read").unwrap();
        watched.follow([kept.clone()]);
        std::fs::write(&dropped, "").unwrap();
        watched.changed(Some(INTERVAL)).await;
        watched.look_again();
        assert!(timeout(INTERVAL * 100, watched.changed(Some(INTERVAL))).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_interval_nobody_looks() {
        let watched = WatchedFiles::look_at([]);
        assert!(timeout(INTERVAL * 1000, watched.changed(None)).await.is_err());
    }
}
