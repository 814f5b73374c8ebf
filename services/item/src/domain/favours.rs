//! Favours: what a customer gives a thing and can take back, a heart to an item or following to a store. Each customer counts once for
//! each thing.

use std::collections::{BTreeMap, BTreeSet};

use bojagi_kernel::id::AccountId;

/// A customer wants a thing to have a favour, or not to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish<Thing> {
    pub(crate) thing: Thing,
    pub(crate) customer_id: AccountId,
    pub(crate) is_given: bool,
}

/// Things, who of some customers has given them a favour, and how many of all customers have.
#[derive(Debug)]
pub(crate) struct Tally<Thing> {
    counts: BTreeMap<Thing, i64>,
    before: BTreeSet<(Thing, AccountId)>,
    now: BTreeSet<(Thing, AccountId)>,
}

/// What has become of favours, each at most once, and by how much the number of them differs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changes<Thing: Ord> {
    pub(crate) given: Vec<(Thing, AccountId)>,
    pub(crate) taken_back: Vec<(Thing, AccountId)>,
    /// Things whose number is another one, and the difference.
    pub(crate) differences: BTreeMap<Thing, i64>,
}

impl<Thing: Copy + Ord> Tally<Thing> {
    /// `counts` has the things that can be given to; `given` are those of its favours that wishes may be about.
    pub(crate) fn new(counts: BTreeMap<Thing, i64>, given: BTreeSet<(Thing, AccountId)>) -> Self {
        Self { counts, now: given.clone(), before: given }
    }

    /// Fulfils a wish, and answers how many favours the thing has then; `None` when there is no such thing. What is so already stays so.
    pub(crate) fn fulfil(&mut self, wish: Wish<Thing>) -> Option<i64> {
        let count = self.counts.get_mut(&wish.thing)?;
        let favour = (wish.thing, wish.customer_id);
        if wish.is_given {
            *count += i64::from(self.now.insert(favour));
        } else {
            *count -= i64::from(self.now.remove(&favour));
        }
        Some(*count)
    }

    /// What all wishes together have changed.
    pub(crate) fn changes(&self) -> Changes<Thing> {
        let given: Vec<_> = self.now.difference(&self.before).copied().collect();
        let taken_back: Vec<_> = self.before.difference(&self.now).copied().collect();
        let mut differences = BTreeMap::new();
        for (thing, _) in &given {
            *differences.entry(*thing).or_default() += 1;
        }
        for (thing, _) in &taken_back {
            *differences.entry(*thing).or_default() -= 1;
        }
        differences.retain(|_, difference| *difference != 0);
        Changes { given, taken_back, differences }
    }
}

#[cfg(test)]
mod tests;
