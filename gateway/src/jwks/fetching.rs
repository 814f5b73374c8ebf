//! Keeps the keys up to date, in the background.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::config::JwksConfig;
use super::keys::{self, KeySet, Keys};
use super::source::{KeySource, SourceError};
use crate::masked_url::masked;

/// The first pause after a source did not answer; every further one is twice as long, up to that for keys that are not known.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The keys, and how far their next fetch is.
pub(crate) struct Fetching {
    keys: ArcSwap<Keys>,
    latest: Mutex<Vec<Latest>>,
    progress: Mutex<Progress>,
    wanted: Notify,
    fetches_done: watch::Sender<u64>,
    between_wishes: Duration,
    longest_wait: Duration,
}

/// What a source has answered last.
#[derive(Clone)]
struct Latest {
    source: String,
    answer: Option<Answer>,
}

/// A key set, as it came and as it was read.
#[derive(Clone)]
struct Answer {
    document: Bytes,
    keys: KeySet,
}

struct Progress {
    /// A fetch runs, or is about to.
    is_under_way: bool,
    /// In the last fetch a source did not answer, so there may be keys that nobody has seen.
    is_incomplete: bool,
    last_wish: Option<Instant>,
}

impl Fetching {
    /// Begins with the first fetch. Of a source that has answered to the one before this, those keys hold until it answers again.
    pub(crate) fn start(
        config: &JwksConfig,
        sources: Vec<Box<dyn KeySource>>,
        before: Option<&Self>,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        let latest: Vec<Latest> = sources.iter().map(|source| Latest::of(source.name(), before)).collect();
        let fetching = Arc::new(Self {
            keys: ArcSwap::from_pointee(keys_of(&latest, 0)),
            latest: Mutex::new(latest),
            progress: Mutex::new(Progress { is_under_way: true, is_incomplete: true, last_wish: None }),
            wanted: Notify::new(),
            fetches_done: watch::Sender::new(0),
            between_wishes: Duration::from_millis(config.unknown_key_ms),
            longest_wait: Duration::from_millis(config.wait_ms),
        });
        let (running, stop) = (Arc::clone(&fetching), stop.clone());
        let refresh = Duration::from_millis(config.refresh_ms);
        let of_source = Duration::from_millis(config.timeout_ms);
        tokio::spawn(async move {
            stop.run_until_cancelled(running.fetch_again_and_again(sources, refresh, of_source)).await
        });
        fetching
    }

    pub(crate) fn keys(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    /// Whether a key that is not known may still be found. If nobody looks for it yet and the last wish is long enough ago, somebody does now.
    pub(crate) fn may_find_more(&self) -> bool {
        let mut progress = self.progress.lock();
        if progress.is_under_way {
            return true;
        }
        let now = Instant::now();
        let is_too_early = progress.last_wish.is_some_and(|last| now.duration_since(last) < self.between_wishes);
        if is_too_early {
            return progress.is_incomplete;
        }
        progress.last_wish = Some(now);
        progress.is_under_way = true;
        self.wanted.notify_one();
        true
    }

    /// Ends with the fetch that is under way, but never later than a call may wait. It does not end before that when one of several sources
    /// has answered, because nobody says here for whose key the call waits; calls that come then find the keys without waiting.
    pub(crate) fn wait(&self) -> Option<BoxFuture<'static, ()>> {
        let mut done = self.fetches_done.subscribe();
        // Looked at after the subscription, so that an end in between is not missed.
        if !self.progress.lock().is_under_way {
            return None;
        }
        let longest = self.longest_wait;
        Some(Box::pin(async move {
            // Whether the keys came or the time is over makes no difference: the token is looked at once more.
            let _ = timeout(longest, done.changed()).await;
        }))
    }

    async fn fetch_again_and_again(
        self: Arc<Self>,
        sources: Vec<Box<dyn KeySource>>,
        refresh: Duration,
        of_source: Duration,
    ) {
        let mut fetches_failed = 0_u32;
        loop {
            let is_incomplete = !self.fetch_all(&sources, of_source).await;
            fetches_failed = if is_incomplete { fetches_failed.saturating_add(1) } else { 0 };
            {
                let mut progress = self.progress.lock();
                (progress.is_under_way, progress.is_incomplete) = (false, is_incomplete);
            }
            self.fetches_done.send_modify(|done| *done += 1);

            let pause = if is_incomplete { self.pause_after(fetches_failed).min(refresh) } else { refresh };
            tokio::select! {
                () = sleep(pause) => self.progress.lock().is_under_way = true,
                () = self.wanted.notified() => {}
            }
        }
    }

    /// Fetches from every source. The keys of one that answers hold at once, those of one that does not hold on. Whether all of them answered.
    async fn fetch_all(&self, sources: &[Box<dyn KeySource>], longest: Duration) -> bool {
        let fetches = sources.iter().enumerate().map(|(index, source)| fetch(index, &**source, longest));
        let mut fetches: FuturesUnordered<_> = fetches.collect();
        let mut have_all_answered = true;
        while let Some((index, fetched)) = fetches.next().await {
            match fetched {
                Ok(answer) => self.take_up(index, answer),
                Err(error) => {
                    have_all_answered = false;
                    let source = masked(sources[index].name());
                    tracing::warn!(source, %error, "keys of tokens cannot be fetched");
                }
            }
        }
        have_all_answered
    }

    fn take_up(&self, index: usize, answer: Answer) {
        let mut all = self.latest.lock();
        let latest = &mut all[index];
        if latest.answer.as_ref().is_some_and(|known| known.document == answer.document) {
            return;
        }
        for (id, _) in answer.keys.iter().filter(|(_, key)| key.was_private()) {
            let source = masked(&latest.source);
            tracing::warn!(
                source,
                id,
                "a key set holds the private half of a key; whoever has read it can sign tokens"
            );
        }
        latest.answer = Some(answer);
        let version = self.keys.load().version() + 1;
        self.keys.store(Arc::new(keys_of(&all, version)));
    }

    fn pause_after(&self, fetches_failed: u32) -> Duration {
        let doubled =
            FIRST_PAUSE.saturating_mul(1_u32.checked_shl(fetches_failed.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.between_wishes.max(FIRST_PAUSE))
    }
}

impl Latest {
    fn of(source: &str, before: Option<&Fetching>) -> Self {
        let known = before.and_then(|before| before.latest.lock().iter().find(|known| known.source == source).cloned());
        known.unwrap_or_else(|| Self { source: source.to_owned(), answer: None })
    }
}

fn keys_of(latest: &[Latest], version: u64) -> Keys {
    Keys::of(latest.iter().filter_map(|latest| latest.answer.as_ref()).map(|answer| &answer.keys), version)
}

async fn fetch(index: usize, source: &dyn KeySource, longest: Duration) -> (usize, Result<Answer, SourceError>) {
    let late = || SourceError("the source does not answer in time".to_owned());
    let fetched = async {
        let document = timeout(longest, source.fetch()).await.map_err(|_| late())??;
        let keys = keys::read(&document)?;
        Ok(Answer { document, keys })
    };
    (index, fetched.await)
}
