//! Remembers tokens that were verified.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::token::{TokenFault, TokenRules, Verified};
use crate::identity::{Identity, TokenMemory};

/// Tokens by their digest, which is short however long they are. There are two generations: when the young one is full it becomes the old
/// one, and the old one goes. What was verified with other keys does not count.
pub(crate) struct VerifiedTokens {
    most: usize,
    generations: Mutex<Generations>,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Default)]
struct Generations {
    keys_version: u64,
    young: HashMap<[u8; 32], Verified>,
    old: HashMap<[u8; 32], Verified>,
}

impl VerifiedTokens {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, generations: Mutex::default(), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// Who the token speaks for, if it was verified with these keys.
    ///
    /// # Errors
    /// When it has expired since.
    pub(crate) fn look_up(
        &self,
        token: &str,
        keys_version: u64,
        now: u64,
        rules: &TokenRules,
    ) -> Result<Option<Identity>, TokenFault> {
        let digest = digest(token);
        let mut generations = self.generations.lock();
        generations.keep_those_of(keys_version);
        let Some(verified) = generations.young.get(&digest).or_else(|| generations.old.get(&digest)) else {
            self.misses.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        };
        self.hits.fetch_add(1, Ordering::Relaxed);
        if rules.has_expired(verified.expires_at, now) {
            return Err(TokenFault::Expired);
        }
        Ok(Some(verified.identity.clone()))
    }

    pub(crate) fn remember(&self, token: &str, keys_version: u64, verified: Verified) {
        let digest = digest(token);
        let mut generations = self.generations.lock();
        // The keys may have changed while the token was checked with those of before.
        if generations.keys_version != keys_version {
            return;
        }
        if generations.young.len() >= self.most.div_ceil(2) {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(digest, verified);
    }

    /// How it serves.
    pub(crate) fn memory(&self) -> TokenMemory {
        let generations = self.generations.lock();
        TokenMemory {
            tokens: generations.young.len() + generations.old.len(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }
}

impl Generations {
    fn keep_those_of(&mut self, keys_version: u64) {
        if self.keys_version != keys_version {
            *self = Self { keys_version, ..Self::default() };
        }
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
