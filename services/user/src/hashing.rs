//! Hashing passwords with argon2id, a few at a time.
//!
//! A hash is expensive by design. A bounded number run at once, on threads that serve nothing else; a bounded number wait;
//! further callers are told to come back. So a flood of sign-ins costs the shop a bounded part of the machine.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{Error as HashError, PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bojagi_kernel::Failure;
use bojagi_kernel::refusal::Refuses;
use tokio::sync::Semaphore;

use crate::config::Hashing;
use crate::domain::refusal::UserRefusal;
use crate::secret::random_bytes;

/// After how long a caller who found the line full may come back.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

/// Hashes and verifies passwords.
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    /// Costs what every hash costs, and no password has it.
    nobodys_hash: String,
    /// Those who wait and those whose turn it is.
    line: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Hasher {
    /// A pool as configured.
    ///
    /// # Errors
    /// When argon2 does not take the parameters.
    pub(crate) fn new(config: Hashing) -> Result<Self, Failure> {
        let Hashing { memory_kib, passes, parallel, waiting } = config;
        let params = Params::new(memory_kib, passes, 1, None)
            .map_err(|error| Failure::broken(format!("parameters of argon2: {error}")))?;
        let (salt, hash) = (STANDARD_NO_PAD.encode(random_bytes()?), STANDARD_NO_PAD.encode(random_bytes()?));
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            nobodys_hash: format!("$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${hash}"),
            line: Arc::new(Semaphore::new((parallel + waiting) as usize)),
            turns: Arc::new(Semaphore::new(parallel as usize)),
        })
    }

    /// The hash of a password, with its salt and parameters, to be stored.
    ///
    /// # Errors
    /// `OVERLOADED`.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Failure> {
        let (argon2, password, salt) = (self.argon2.clone(), password.to_owned(), random_bytes()?);
        self.in_turn(move || {
            let salt = SaltString::encode_b64(&salt)?;
            argon2.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
        })
        .await
    }

    /// Whether the password has the hash. Without a hash it takes as long, and the answer is no.
    ///
    /// # Errors
    /// `OVERLOADED`.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Failure> {
        let hash = hash.unwrap_or(&self.nobodys_hash).to_owned();
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.in_turn(move || match argon2.verify_password(password.as_bytes(), &PasswordHash::new(&hash)?) {
            Ok(()) => Ok(true),
            Err(HashError::Password) => Ok(false),
            Err(error) => Err(error),
        })
        .await
    }

    /// Whether a hash was made with other parameters than those of today.
    pub(crate) fn would_hash_otherwise(&self, hash: &str) -> bool {
        let today = self.argon2.params();
        let made_with = PasswordHash::new(hash).and_then(|hash| Params::try_from(&hash));
        made_with.is_ok_and(|made_with| (made_with.m_cost(), made_with.t_cost()) != (today.m_cost(), today.t_cost()))
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Failure> {
        let Ok(place) = Arc::clone(&self.line).try_acquire_owned() else {
            return Err(UserRefusal::Overloaded.refusal().retry_after(COME_BACK_AFTER).into());
        };
        let closed = |_| Failure::broken("the semaphore of the hashing pool is closed");
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(closed)?;
        let working = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop((turn, place));
            outcome
        });
        let outcome = working.await.map_err(|error| Failure::broken(format!("hashing stopped: {error}")))?;
        outcome.map_err(|error| Failure::broken(format!("hashing failed: {error}")))
    }
}

#[cfg(test)]
impl Hasher {
    /// Lets nobody have a turn until the answer is dropped.
    pub(crate) async fn stop(&self, parallel: u32) -> tokio::sync::OwnedSemaphorePermit {
        Arc::clone(&self.turns).acquire_many_owned(parallel).await.unwrap()
    }

    /// How many more may join the line.
    pub(crate) fn places_left(&self) -> usize {
        self.line.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Hashing = Hashing { memory_kib: 8, passes: 1, parallel: 1, waiting: 1 };

    #[tokio::test]
    async fn a_password_is_verified_by_its_hash_alone() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let hash = hasher.hash("orange lamp 77").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert_ne!(hash, hasher.hash("orange lamp 77").await.unwrap());
        assert!(hasher.verify("orange lamp 77", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("orange lamp 78", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("orange lamp 77", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_of_another_configuration_is_verified_and_known_as_such() {
        let (old, new) = (Hasher::new(CHEAP).unwrap(), Hasher::new(Hashing { passes: 2, ..CHEAP }).unwrap());
        let hash = old.hash("orange lamp 77").await.unwrap();
        assert!(new.verify("orange lamp 77", Some(&hash)).await.unwrap());
        assert!(!old.would_hash_otherwise(&hash) && new.would_hash_otherwise(&hash));
    }

    #[tokio::test]
    async fn nobodys_hash_has_the_form_and_the_cost_of_a_real_one() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let real = hasher.hash("orange lamp 77").await.unwrap();
        let (real, dummy) = (PasswordHash::new(&real).unwrap(), PasswordHash::new(&hasher.nobodys_hash).unwrap());
        assert_eq!(real.params, dummy.params);
        assert_eq!(real.hash.map(|hash| hash.len()), dummy.hash.map(|hash| hash.len()));
    }

    #[tokio::test]
    async fn beyond_the_line_callers_are_told_when_to_come_back() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let nobody_gets_a_turn = hasher.turns.acquire().await.unwrap();
        let mut first = Box::pin(hasher.hash("orange lamp 77"));
        let mut second = Box::pin(hasher.hash("orange lamp 77"));
        assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());

        let refused = hasher.hash("orange lamp 77").await.unwrap_err();
        let refusal = refused.refusal().unwrap();
        assert_eq!((refusal.reason.as_ref(), refusal.retry_after), ("OVERLOADED", Some(COME_BACK_AFTER)));

        drop(second);
        drop(nobody_gets_a_turn);
        assert!(first.await.is_ok());
        assert!(hasher.hash("orange lamp 77").await.is_ok());
    }
}
