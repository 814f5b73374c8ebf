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
use crate::store::mails::Occasion;

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

    /// Admits an attempt to sign in.
    ///
    /// While an account is attacked from many origins, each origin has one attempt at a time on it. It is never refused to
    /// an origin that has not failed of late, so that the owner gets in.
    pub(crate) fn admit_sign_in(
        &self,
        origin: &Origin,
        email: &EmailAddress,
        now: Moment,
    ) -> Result<Attempt<'_>, TooMany> {
        let mut attempt = Attempt::default();
        // The origin comes first: it bears what is cut short.
        attempt.take(&self.sign_in_by_origin, origin, now)?;
        let pair = (origin, email);
        if attempt.take(&self.sign_in_by_account, email, now).is_ok() {
            attempt.take(&self.sign_in_by_origin_and_account, &pair, now)?;
        } else {
            attempt.take_within(1, &self.sign_in_by_origin_and_account, &pair, now)?;
        }
        Ok(attempt)
    }

    /// Admits a signed-in caller's proof by password.
    pub(crate) fn admit_proof(&self, session_id: Uuid, now: Moment) -> Result<Attempt<'_>, TooMany> {
        let mut attempt = Attempt::default();
        attempt.take(&self.password_by_session, &session_id, now)?;
        Ok(attempt)
    }

    /// Admits a sign-up or a wish for a link, known address or not.
    pub(crate) fn admit_wish(&self, origin: &Origin, email: &EmailAddress, now: Moment) -> Result<(), TooMany> {
        let mut wish = Attempt::default();
        wish.take(&self.mail_by_origin, origin, now)?;
        wish.take(&self.mail_by_origin_and_address, &(origin, email), now)?;
        wish.judged(true);
        Ok(())
    }

    /// Whether one more mail of an occasion may go to an address. Each occasion has a bucket of its own, so that a flood of
    /// sign-ups keeps nobody from setting a new password.
    pub(crate) fn admits_mail(&self, occasion: Occasion, recipient: &str, now: Moment) -> bool {
        self.mail_by_address.take(self.mail_by_address.key(&(occasion, recipient)), now).is_ok()
    }
}

/// An attempt that was admitted. It costs all that it took out of the buckets when the password was judged wrong, and nothing
/// when it was right or could not be judged. One that is dropped while it is judged was cut short by its caller, for whom the
/// password may be hashed all the same: it costs what was taken first, which is the caller's own.
#[derive(Default)]
#[must_use = "an attempt that is dropped was cut short"]
pub(crate) struct Attempt<'a> {
    taken: Vec<(&'a Buckets, u64)>,
    is_judged: bool,
}

impl<'a> Attempt<'a> {
    /// From now on the password is being judged.
    pub(crate) const fn judge(&mut self) {
        self.is_judged = true;
    }

    /// Ends the attempt; `wrong` says whether its password was judged to be that.
    pub(crate) fn judged(mut self, wrong: bool) {
        self.is_judged = false;
        if wrong {
            self.taken.clear();
        }
    }

    fn take(&mut self, buckets: &'a Buckets, key: &(impl Hash + ?Sized), now: Moment) -> Result<(), TooMany> {
        let key = buckets.key(key);
        buckets.take(key, now)?;
        self.taken.push((buckets, key));
        Ok(())
    }

    fn take_within(
        &mut self,
        burst: u32,
        buckets: &'a Buckets,
        key: &(impl Hash + ?Sized),
        now: Moment,
    ) -> Result<(), TooMany> {
        let key = buckets.key(key);
        buckets.take_within(burst, key, now)?;
        self.taken.push((buckets, key));
        Ok(())
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let borne = usize::from(self.is_judged);
        for (buckets, key) in self.taken.drain(..).skip(borne) {
            buckets.give_back(key);
        }
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

    fn key(&self, key: &(impl Hash + ?Sized)) -> u64 {
        self.hasher.hash_one(key)
    }

    fn take(&self, key: u64, now: Moment) -> Result<(), TooMany> {
        self.with(key, |level| self.allowance.take(level, now)).map_err(TooMany)
    }

    fn take_within(&self, burst: u32, key: u64, now: Moment) -> Result<(), TooMany> {
        self.with(key, |level| self.allowance.take_within(burst, level, now)).map_err(TooMany)
    }

    fn give_back(&self, key: u64) {
        self.with(key, |level| self.allowance.give_back(level));
    }

    fn with<T>(&self, key: u64, change: impl FnOnce(&mut Level) -> T) -> T {
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

    /// An attempt whose password is wrong.
    fn fail(limits: &Limits, origin: &Origin, email: &EmailAddress) -> Result<(), TooMany> {
        limits.admit_sign_in(origin, email, NOW).map(|attempt| attempt.judged(true))
    }

    /// An attempt whose password is right.
    fn succeed(limits: &Limits, origin: &Origin, email: &EmailAddress) -> Result<(), TooMany> {
        limits.admit_sign_in(origin, email, NOW).map(|attempt| attempt.judged(false))
    }

    #[test]
    fn an_origin_that_fails_on_an_account_is_stopped_there_and_told_when_to_come_back() {
        let limits = limits();
        for _ in 0..10 {
            assert_eq!(fail(&limits, &origin(1), &owner()), Ok(()));
        }
        let too_many = fail(&limits, &origin(1), &owner()).unwrap_err();
        let refusal = too_many.refusal();
        assert_eq!((&*refusal.reason, refusal.retry_after), ("TOO_MANY_ATTEMPTS", Some(Duration::from_secs(30))));
        assert_eq!(fail(&limits, &origin(1), &"other@example.com".parse().unwrap()), Ok(()));
        assert_eq!(fail(&limits, &origin(2), &owner()), Ok(()));
    }

    #[test]
    fn many_attackers_have_one_attempt_each_and_the_owner_gets_in() {
        let limits = limits();
        for attacker in 0..60 {
            assert_eq!(fail(&limits, &origin(attacker), &owner()), Ok(()));
        }
        assert!(fail(&limits, &origin(0), &owner()).is_err());
        assert_eq!(fail(&limits, &origin(99), &owner()), Ok(()));
    }

    #[test]
    fn who_succeeds_is_never_stopped() {
        let limits = limits();
        for _ in 0..1_000 {
            assert_eq!(succeed(&limits, &origin(1), &owner()), Ok(()));
            assert_eq!(limits.admit_proof(Uuid::nil(), NOW).map(|attempt| attempt.judged(false)), Ok(()));
        }
    }

    #[test]
    fn who_leaves_before_the_answer_has_used_up_attempts_of_the_origin_but_none_on_the_account() {
        let limits = limits();
        // Who leaves before anything is judged costs nobody anything.
        for _ in 0..1_000 {
            assert!(limits.admit_sign_in(&origin(1), &owner(), NOW).is_ok());
        }
        for _ in 0..120 {
            assert_eq!(limits.admit_sign_in(&origin(1), &owner(), NOW).map(|mut attempt| attempt.judge()), Ok(()));
        }
        assert!(limits.admit_sign_in(&origin(1), &owner(), NOW).is_err());
        // The account is as wide as before: another origin has its burst on it.
        for _ in 0..10 {
            assert_eq!(fail(&limits, &origin(2), &owner()), Ok(()));
        }

        for _ in 0..5 {
            assert_eq!(limits.admit_proof(Uuid::nil(), NOW).map(|mut attempt| attempt.judge()), Ok(()));
        }
        assert!(limits.admit_proof(Uuid::nil(), NOW).is_err());
    }

    #[test]
    fn a_refused_attempt_takes_nothing_from_anybody() {
        let limits = limits();
        for _ in 0..10 {
            assert_eq!(fail(&limits, &origin(0), &owner()), Ok(()));
        }
        // What this origin goes on trying would otherwise narrow the account for all others.
        for _ in 0..1_000 {
            assert!(fail(&limits, &origin(0), &owner()).is_err());
        }
        for _ in 0..10 {
            assert_eq!(fail(&limits, &origin(1), &owner()), Ok(()));
        }
    }

    #[test]
    fn what_a_narrowed_account_did_not_give_is_not_given_back_to_it() {
        let limits = limits();
        for attacker in 0..50 {
            assert_eq!(fail(&limits, &origin(attacker), &owner()), Ok(()));
        }
        for _ in 0..10 {
            assert_eq!(succeed(&limits, &origin(99), &owner()), Ok(()));
        }
        assert_eq!(fail(&limits, &origin(99), &owner()), Ok(()));
        assert!(fail(&limits, &origin(99), &owner()).is_err(), "the account is as narrow as before");
    }

    #[test]
    fn wishes_are_limited_by_origin_and_address_and_mails_by_occasion() {
        let limits = limits();
        for _ in 0..5 {
            assert_eq!(limits.admit_wish(&origin(1), &owner(), NOW), Ok(()));
        }
        assert!(limits.admit_wish(&origin(1), &owner(), NOW).is_err());
        assert_eq!(limits.admit_wish(&origin(2), &owner(), NOW), Ok(()));

        for _ in 0..10 {
            assert!(limits.admits_mail(Occasion::SignUp, "owner@example.com", NOW));
        }
        assert!(!limits.admits_mail(Occasion::SignUp, "owner@example.com", NOW));
        assert!(limits.admits_mail(Occasion::Reset, "owner@example.com", NOW));
    }

    #[test]
    fn memory_is_bounded() {
        let buckets = Buckets::new(Allowance { burst: 1, every: Duration::from_secs(1) });
        let keys: Vec<_> = (0..2 * MOST).map(|number| buckets.key(&number)).collect();
        for key in &keys {
            assert_eq!(buckets.take(*key, NOW), Ok(()));
        }
        assert!(buckets.take(keys[2 * MOST - 1], NOW).is_err());
        let generations = buckets.generations.lock();
        assert!(generations.0.len() + generations.1.len() <= MOST);
    }
}
