//! How often callers may try, by where they come from and what they try.
//!
//! Levels live in memory, in each process its own: a restart fills every bucket, which costs an attacker more than it gives,
//! and several processes admit so many times as much. Counting in the store would let a flood of attempts reach its writer,
//! which is what the rest of the shop waits for. Buckets are found by a keyed hash, so that neither addresses nor origins are
//! kept.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Duration;

use bojagi_kernel::refusal::Refuses;
use bojagi_kernel::{Moment, Refusal};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::config;
use crate::domain::allowance::{Allowance, Level};
use crate::domain::email::EmailAddress;
use crate::domain::refusal::UserRefusal;

/// Buckets of one kind at most. Beyond half of it the levels that were touched longest ago are forgotten.
const MOST: usize = 131_072;

/// Where a call came from, as the gateway saw it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin(pub(crate) String);

/// The refusal of an attempt that comes too early, and after how long it would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; there is one more in {0:?}")]
pub(crate) struct TooMany(Duration);

impl Refuses for TooMany {
    fn refusal(&self) -> Refusal {
        UserRefusal::TooManyAttempts.refusal().retry_after(self.0)
    }
}

/// All limits of the user context.
pub(crate) struct Limits {
    sign_in_by_origin: Buckets,
    sign_in_by_origin_and_account: Buckets,
    sign_in_by_account: Buckets,
    mail_by_origin: Buckets,
    mail_by_origin_and_address: Buckets,
    mail_by_address: Buckets,
    password_by_session: Buckets,
}

impl Limits {
    pub(crate) fn new(config: &config::Limits) -> Self {
        let buckets = |rate: config::Rate| Buckets::new(rate.allowance());
        Self {
            sign_in_by_origin: buckets(config.sign_in_per_origin),
            sign_in_by_origin_and_account: buckets(config.sign_in_per_origin_and_account),
            sign_in_by_account: buckets(config.sign_in_per_account),
            mail_by_origin: buckets(config.mail_per_origin),
            mail_by_origin_and_address: buckets(config.mail_per_origin_and_address),
            mail_by_address: buckets(config.mail_per_address),
            password_by_session: buckets(config.password_per_session),
        }
    }

    /// Admits an attempt to sign in, as if it failed; [`forgive_sign_in`](Self::forgive_sign_in) when it does not.
    ///
    /// While an account is attacked from many origins, each origin has one attempt at a time on it. It is never refused to
    /// an origin that has not failed of late, so that the owner gets in.
    pub(crate) fn admit_sign_in(&self, origin: &Origin, email: &EmailAddress, now: Moment) -> Result<(), TooMany> {
        self.sign_in_by_origin.take(origin, now)?;
        let pair = (origin, email);
        let admitted = if self.sign_in_by_account.drain(email, now) {
            self.sign_in_by_origin_and_account.take(&pair, now)
        } else {
            self.sign_in_by_origin_and_account.take_within(1, &pair, now)
        };
        admitted.inspect_err(|_| self.sign_in_by_origin.give_back(origin))
    }

    /// Takes an attempt that succeeded out of the count.
    pub(crate) fn forgive_sign_in(&self, origin: &Origin, email: &EmailAddress) {
        self.sign_in_by_origin.give_back(origin);
        self.sign_in_by_origin_and_account.give_back(&(origin, email));
        self.sign_in_by_account.give_back(email);
    }

    /// Admits a sign-up.
    pub(crate) fn admit_sign_up(&self, origin: &Origin, now: Moment) -> Result<(), TooMany> {
        self.mail_by_origin.take(origin, now)
    }

    /// Admits a wish for a link, known address or not.
    pub(crate) fn admit_link(&self, origin: &Origin, email: &EmailAddress, now: Moment) -> Result<(), TooMany> {
        self.mail_by_origin.take(origin, now)?;
        self.mail_by_origin_and_address.take(&(origin, email), now)
    }

    /// Whether one more mail may go to an address.
    pub(crate) fn admits_mail(&self, recipient: &str, now: Moment) -> bool {
        self.mail_by_address.drain(recipient, now)
    }

    /// Admits a signed-in caller's proof by password, as if it failed; [`forgive_proof`](Self::forgive_proof) when it does
    /// not.
    pub(crate) fn admit_proof(&self, session_id: Uuid, now: Moment) -> Result<(), TooMany> {
        self.password_by_session.take(&session_id, now)
    }

    /// Takes a proof that held out of the count.
    pub(crate) fn forgive_proof(&self, session_id: Uuid) {
        self.password_by_session.give_back(&session_id);
    }
}

/// The buckets of one limit, in two generations: when the young one is full it becomes the old one, and the old one goes.
struct Buckets {
    allowance: Allowance,
    hasher: RandomState,
    generations: Mutex<(HashMap<u64, Level>, HashMap<u64, Level>)>,
}

impl Buckets {
    fn new(allowance: Allowance) -> Self {
        Self { allowance, hasher: RandomState::new(), generations: Mutex::default() }
    }

    fn take(&self, key: &(impl Hash + ?Sized), now: Moment) -> Result<(), TooMany> {
        self.with(key, |level| self.allowance.take(level, now)).map_err(TooMany)
    }

    fn take_within(&self, burst: u32, key: &(impl Hash + ?Sized), now: Moment) -> Result<(), TooMany> {
        self.with(key, |level| self.allowance.take_within(burst, level, now)).map_err(TooMany)
    }

    fn drain(&self, key: &(impl Hash + ?Sized), now: Moment) -> bool {
        self.with(key, |level| self.allowance.take(level, now)).is_ok()
    }

    fn give_back(&self, key: &(impl Hash + ?Sized)) {
        self.with(key, |level| self.allowance.give_back(level));
    }

    fn with<T>(&self, key: &(impl Hash + ?Sized), change: impl FnOnce(&mut Level) -> T) -> T {
        let key = self.hasher.hash_one(key);
        let mut generations = self.generations.lock();
        let (young, old) = &mut *generations;
        if young.len() >= MOST / 2 {
            *old = std::mem::take(young);
        }
        change(young.entry(key).or_insert_with(|| old.get(&key).copied().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_micros(1_000_000_000);

    fn limits() -> Limits {
        Limits::new(&config::Config::default().limits)
    }

    fn origin(number: usize) -> Origin {
        Origin(format!("192.0.2.{number}"))
    }

    fn owner() -> EmailAddress {
        "owner@example.com".parse().unwrap()
    }

    #[test]
    fn an_origin_that_fails_on_an_account_is_stopped_there_and_told_when_to_come_back() {
        let limits = limits();
        for _ in 0..10 {
            assert_eq!(limits.admit_sign_in(&origin(1), &owner(), NOW), Ok(()));
        }
        let too_many = limits.admit_sign_in(&origin(1), &owner(), NOW).unwrap_err();
        let refusal = too_many.refusal();
        assert_eq!((&*refusal.reason, refusal.retry_after), ("TOO_MANY_ATTEMPTS", Some(Duration::from_secs(30))));
        assert_eq!(limits.admit_sign_in(&origin(1), &"other@example.com".parse().unwrap(), NOW), Ok(()));
        assert_eq!(limits.admit_sign_in(&origin(2), &owner(), NOW), Ok(()));
    }

    #[test]
    fn many_attackers_have_one_attempt_each_and_the_owner_gets_in() {
        let limits = limits();
        for attacker in 0..60 {
            assert_eq!(limits.admit_sign_in(&origin(attacker), &owner(), NOW), Ok(()));
        }
        assert!(limits.admit_sign_in(&origin(0), &owner(), NOW).is_err());
        assert_eq!(limits.admit_sign_in(&origin(99), &owner(), NOW), Ok(()));
    }

    #[test]
    fn who_succeeds_is_never_stopped() {
        let limits = limits();
        for _ in 0..1_000 {
            assert_eq!(limits.admit_sign_in(&origin(1), &owner(), NOW), Ok(()));
            limits.forgive_sign_in(&origin(1), &owner());
        }
    }

    #[test]
    fn memory_is_bounded() {
        let buckets = Buckets::new(Allowance { burst: 1, every: Duration::from_secs(1) });
        for key in 0..2 * MOST {
            assert_eq!(buckets.take(&key, NOW), Ok(()));
        }
        assert!(buckets.take(&(2 * MOST - 1), NOW).is_err());
        let generations = buckets.generations.lock();
        assert!(generations.0.len() + generations.1.len() <= MOST);
    }
}
