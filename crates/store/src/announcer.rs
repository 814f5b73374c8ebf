//! What was told and committed, for those who wait for it.

use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::Announced;
use crate::recent::Recent;

/// A count that changes with each announcement, and the latest facts.
#[derive(Clone)]
pub(crate) struct Announcer {
    count: watch::Sender<u64>,
    recent: Arc<RwLock<Recent>>,
}

impl Announcer {
    pub(crate) fn new() -> Self {
        Self { count: watch::Sender::new(0), recent: Arc::default() }
    }

    /// Announces facts of a store in which nobody else tells, so that those in memory are all there are.
    pub(crate) fn announce(&self, told: &mut Vec<Announced>) {
        if !told.is_empty() {
            self.recent.write().add(told.drain(..));
        }
        self.wake();
    }

    /// Announces where facts are in a store in which others tell too: between two of ours there may be one of theirs, so
    /// they are all read from the database.
    pub(crate) fn announce_positions<'a>(&self, told: impl IntoIterator<Item = (&'a str, i64)>) {
        let mut recent = self.recent.write();
        for (kind, position) in told {
            recent.reach(kind, position);
        }
        drop(recent);
        self.wake();
    }

    pub(crate) fn latest<'a>(&self, kinds: impl IntoIterator<Item = &'a str>) -> i64 {
        self.recent.read().latest(kinds)
    }

    pub(crate) fn recent_facts(&self, position: i64, look: impl FnMut(&Announced) -> bool) -> bool {
        self.recent.read().after(position, look)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    fn wake(&self) {
        self.count.send_modify(|count| *count = count.wrapping_add(1));
    }
}
