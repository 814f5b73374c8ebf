//! What was told and committed, for those who wait for it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

/// A count that changes with each announcement, and the latest position of each kind of fact since the store was opened.
#[derive(Clone)]
pub(crate) struct Announcer {
    count: watch::Sender<u64>,
    latest: Arc<RwLock<HashMap<String, i64>>>,
}

impl Announcer {
    pub(crate) fn new() -> Self {
        Self { count: watch::Sender::new(0), latest: Arc::default() }
    }

    pub(crate) fn announce(&self, told: &[(&str, i64)]) {
        if !told.is_empty() {
            let mut latest = self.latest.write();
            for &(kind, position) in told {
                match latest.get_mut(kind) {
                    Some(known) => *known = position.max(*known),
                    None => drop(latest.insert(kind.to_owned(), position)),
                }
            }
        }
        self.count.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn latest<'a>(&self, kinds: impl IntoIterator<Item = &'a str>) -> i64 {
        let latest = self.latest.read();
        kinds.into_iter().filter_map(|kind| latest.get(kind).copied()).max().unwrap_or(0)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }
}
