//! What a unit of work keeps to itself while it is done.

use uuid::Uuid;

/// Keys that one transaction locks at most. A server has room for `max_locks_per_transaction` times `max_connections` locks of all
/// sessions, which is 6,400 by default.
const MOST: usize = 128;

/// Something that a unit reads and writes, by which it is told from units about other things: an order, a customer, a request.
///
/// A key is a number of 64 bits made of an id or a name, the same in every process. Two things may by chance have the same one:
/// then units about them wait for each other without need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockKey(i64);

impl LockKey {
    /// The key of what has this id.
    #[must_use]
    pub fn of(id: impl Into<Uuid>) -> Self {
        let (high, low) = id.into().as_u64_pair();
        Self((high ^ low).cast_signed())
    }

    /// The key of what is called so among things of a kind.
    #[must_use]
    pub fn named(kind: &str, name: &str) -> Self {
        // FNV-1a (Fowler, Noll, Vo), which every version of every process computes alike.
        let bytes = kind.bytes().chain([0]).chain(name.bytes());
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self(hash.cast_signed())
    }

    pub(crate) const fn number(self) -> i64 {
        self.0
    }
}

/// What a unit locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Locks {
    /// The whole store.
    Store,
    /// These keys, sorted, each once.
    Keys(Vec<LockKey>),
}

impl Locks {
    /// These keys; the whole store if they are more than can be locked one by one.
    pub(crate) fn keys(keys: impl IntoIterator<Item = LockKey>) -> Self {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() > MOST { Self::Store } else { Self::Keys(keys) }
    }

    /// What to lock for both: the whole store if the first does, or the keys of both unless they are too many.
    pub(crate) fn with(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Store, _) => Some(Self::Store),
            (Self::Keys(these), Self::Keys(those)) => {
                Some(Self::keys(these.iter().chain(those).copied())).filter(|both| *both != Self::Store)
            }
            (Self::Keys(_), Self::Store) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(numbers: impl IntoIterator<Item = i64>) -> Locks {
        Locks::keys(numbers.into_iter().map(LockKey))
    }

    #[test]
    fn a_name_has_the_same_key_for_ever() {
        // Processes of two versions work on one store: the number is part of what they agree on.
        assert_eq!(LockKey::named("relay", "bojagi.order.v1"), LockKey(156_599_646_512_656_729));
        assert_ne!(LockKey::named("a", "bc"), LockKey::named("ab", "c"));
        let id = Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_00ff);
        assert_eq!(LockKey::of(id), LockKey(0x8190_0000_0000_70ff_u64.cast_signed()));
    }

    #[test]
    fn keys_are_locked_in_one_order_and_too_many_are_the_whole_store() {
        assert_eq!(some([3, -1, 3, 2]), Locks::Keys(vec![LockKey(-1), LockKey(2), LockKey(3)]));
        assert_eq!(some(0..129), Locks::Store);
        assert_eq!(some([1]).with(&some([2, 1])), Some(some([1, 2])));
        assert_eq!(some([1]).with(&Locks::Store), None);
        assert_eq!(Locks::Store.with(&some([1])), Some(Locks::Store));
        assert_eq!(some(0..80).with(&some(20..100)), Some(some(0..100)));
        assert_eq!(some(0..128).with(&some(0..128)), Some(some(0..128)));
        assert_eq!(some(0..80).with(&some(80..129)), None);
    }
}
