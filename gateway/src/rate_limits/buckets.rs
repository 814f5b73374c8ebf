//! Token buckets, one for each caller and route, as many as fit into a bounded memory.
//!
//! A bucket is a single number: the moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371). It is our own
//! because the stores of the well-known crates grow with the number of callers until somebody sweeps them, and here callers can invent
//! addresses faster than that.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::RateLimitConfig;

/// Parts that are locked one by one, so that calls on different threads seldom wait for each other.
const PARTS: usize = 16;
const NANOSECONDS_PER_MINUTE: u64 = 60_000_000_000;

/// A limit, as the buckets count it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Nanoseconds in which one call comes back.
    interval: u64,
    /// Nanoseconds in which an empty bucket becomes full.
    full_after: u64,
}

impl Rate {
    /// `None` where there is no limit.
    pub(super) fn of(config: RateLimitConfig) -> Option<Self> {
        let interval = NANOSECONDS_PER_MINUTE.checked_div(config.calls_per_minute.into())?;
        Some(Self { interval, full_after: interval.saturating_mul(config.burst.into()) })
    }
}

/// All buckets of a gateway. All clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Buckets {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    began: Instant,
    /// Keyed at random, so that nobody can choose addresses that share a bucket.
    hasher: RandomState,
    parts: [Mutex<Part>; PARTS],
    /// Buckets in one generation of one part.
    room: usize,
}

/// Two generations of buckets. When the young one is full, the old one is forgotten and the young one takes its place; a bucket that is used
/// comes back into the young one. So what is forgotten is what was not used for longest, at the cost of no list and no sweep.
#[derive(Debug, Default)]
struct Part {
    young: Generation,
    old: Generation,
}

type Generation = HashMap<u64, u64, BuildHasherDefault<AlreadyHashed>>;

impl Buckets {
    /// Room for about this many buckets, each of about 20 bytes. A caller whose bucket was forgotten begins with a full one.
    pub(crate) fn with_room_for(buckets: usize) -> Self {
        let inner = Inner {
            began: Instant::now(),
            hasher: RandomState::new(),
            parts: Default::default(),
            room: (buckets / (2 * PARTS)).max(1),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Takes a call out of the bucket of `key`.
    ///
    /// # Errors
    /// When it is empty: how long until there is one again.
    pub(super) fn take(&self, rate: Rate, key: &impl Hash) -> Result<(), Duration> {
        let inner = &self.inner;
        let now = u64::try_from(inner.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let key = inner.hasher.hash_one(key);
        let mut part = inner.parts[key as usize % PARTS].lock();
        let full_at = part.find(key).unwrap_or(0).max(now);
        let full_then = full_at.saturating_add(rate.interval);
        let too_much = full_then.saturating_sub(now).saturating_sub(rate.full_after);
        if too_much > 0 {
            // The bucket stays as it is, but among the young ones, so that going on does not help.
            part.put(key, full_at, inner.room);
            return Err(Duration::from_nanos(too_much));
        }
        part.put(key, full_then, inner.room);
        Ok(())
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.inner.parts.iter().map(|part| part.lock()).map(|part| part.young.len() + part.old.len()).sum()
    }
}

impl Part {
    fn find(&self, key: u64) -> Option<u64> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    fn put(&mut self, key: u64, full_at: u64, room: usize) {
        if self.young.insert(key, full_at).is_none() && self.young.len() > room {
            self.young.remove(&key);
            self.old = std::mem::take(&mut self.young);
            self.young.insert(key, full_at);
        }
    }
}

/// The keys are hashes.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        // The low bits have chosen the part already.
        self.0 = hash.rotate_right(32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(calls_per_minute: u32, burst: u32) -> Rate {
        Rate::of(RateLimitConfig { calls_per_minute, burst }).unwrap()
    }

    #[test]
    fn no_calls_a_minute_means_no_limit() {
        assert!(Rate::of(RateLimitConfig { calls_per_minute: 0, burst: 5 }).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_rate() {
        let (buckets, rate) = (Buckets::with_room_for(100), rate(60, 3));
        for call in 0..3 {
            assert_eq!(buckets.take(rate, &"ann"), Ok(()), "{call}");
        }
        assert_eq!(buckets.take(rate, &"ann"), Err(Duration::from_secs(1)));
        assert_eq!(buckets.take(rate, &"bob"), Ok(()), "everybody has a bucket");

        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(buckets.take(rate, &"ann"), Err(Duration::from_millis(600)), "a refused call costs nothing");
        tokio::time::advance(Duration::from_millis(600)).await;
        assert_eq!(buckets.take(rate, &"ann"), Ok(()));
        assert_eq!(buckets.take(rate, &"ann"), Err(Duration::from_secs(1)));

        tokio::time::advance(Duration::from_secs(3600)).await;
        let taken = (0..10).filter(|_| buckets.take(rate, &"ann").is_ok()).count();
        assert_eq!(taken, 3, "a bucket never holds more than a burst");
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_buckets_is_bounded_and_the_idle_ones_go_first() {
        let (buckets, rate) = (Buckets::with_room_for(6400), rate(1, 1));
        assert_eq!(buckets.take(rate, &"busy"), Ok(()));
        for invented in 0..100_000_u32 {
            assert_eq!(buckets.take(rate, &invented), Ok(()), "{invented}");
            assert!(buckets.count() <= 6400 + PARTS);
            if invented % 1000 == 0 {
                tokio::time::advance(Duration::from_secs(60)).await;
                assert_eq!(buckets.take(rate, &"busy"), Ok(()));
                assert!(buckets.take(rate, &"busy").is_err());
            }
        }
    }
}
