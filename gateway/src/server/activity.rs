//! Whether anything runs on a connection, so that an idle one can be closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the calls of a connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    running: AtomicUsize,
    begun: AtomicUsize,
}

impl Activity {
    /// Counts a call until the answer is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Running { activity: Arc::clone(self) }
    }

    /// Whether nothing runs and nothing has begun since the number that is passed, which is then brought up to date.
    pub(crate) fn is_idle_since(&self, begun_then: &mut usize) -> bool {
        let begun = self.begun.load(Ordering::Relaxed);
        let nothing_new = std::mem::replace(begun_then, begun) == begun;
        nothing_new && self.running.load(Ordering::Relaxed) == 0
    }
}

/// A call that runs.
#[derive(Debug)]
pub(crate) struct Running {
    activity: Arc<Activity>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.activity.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_means_that_nothing_runs_and_nothing_has_begun() {
        let activity = Arc::new(Activity::default());
        let mut begun = 0;
        assert!(activity.is_idle_since(&mut begun));

        let running = activity.begin();
        assert!(!activity.is_idle_since(&mut begun));
        assert!(!activity.is_idle_since(&mut begun), "it still runs");
        drop(running);
        assert!(activity.is_idle_since(&mut begun));

        drop(activity.begin());
        assert!(!activity.is_idle_since(&mut begun), "something ran in between");
        assert!(activity.is_idle_since(&mut begun));
    }
}
