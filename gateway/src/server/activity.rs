//! Whether anything runs on a connection, so that an idle one can be closed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

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

pin_project! {
    /// A response body, or the future of a response, that counts as running as long as it exists.
    pub(crate) struct WhileRunning<T> {
        #[pin]
        inner: T,
        running: Option<Running>,
    }
}

impl<T> WhileRunning<T> {
    pub(crate) fn new(inner: T, running: Running) -> Self {
        Self { inner, running: Some(running) }
    }
}

impl<F, B, E> Future for WhileRunning<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
{
    type Output = Result<http::Response<WhileRunning<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.inner.poll(cx).map_ok(|response| {
            let running = this.running.take();
            response.map(|inner| WhileRunning { inner, running })
        })
    }
}

impl<B: Body> Body for WhileRunning<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
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
