//! What was announced lately, kept in memory for those who follow the store.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Facts kept; a follower that is further behind reads the database.
const KEPT: usize = 2_048;

/// A fact that a unit of work told: its kind, its place among all facts, and itself.
#[derive(Clone)]
pub struct Announced {
    /// Positions grow by one from fact to fact.
    pub position: i64,
    /// What followers choose by.
    pub kind: &'static str,
    /// The fact, of a type that teller and follower agree on.
    pub fact: Arc<dyn Any + Send + Sync>,
}

/// The latest facts in their order, without a gap.
#[derive(Default)]
pub(crate) struct Recent {
    facts: VecDeque<Announced>,
    latest: HashMap<String, i64>,
}

impl Recent {
    pub(crate) fn add(&mut self, told: impl Iterator<Item = Announced>) {
        for announced in told {
            self.reach(announced.kind, announced.position);
            if self.facts.len() == KEPT {
                self.facts.pop_front();
            }
            self.facts.push_back(announced);
        }
    }

    /// Notes a position without the fact, which then has to be read from the database.
    pub(crate) fn reach(&mut self, kind: &str, position: i64) {
        match self.latest.get_mut(kind) {
            Some(latest) => *latest = position.max(*latest),
            None => drop(self.latest.insert(kind.to_owned(), position)),
        }
    }

    pub(crate) fn latest<'a>(&self, kinds: impl IntoIterator<Item = &'a str>) -> i64 {
        kinds.into_iter().filter_map(|kind| self.latest.get(kind).copied()).max().unwrap_or(0)
    }

    /// Shows `look` every fact after `position`, in order, until it answers false. Answers false itself, and shows
    /// nothing, when facts after `position` are not kept any more or were told before the store was opened.
    pub(crate) fn after(&self, position: i64, look: impl FnMut(&Announced) -> bool) -> bool {
        if self.facts.front().is_none_or(|oldest| oldest.position > position + 1) {
            return false;
        }
        let first = self.facts.partition_point(|announced| announced.position <= position);
        let _all = self.facts.range(first..).all(look);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(positions: std::ops::RangeInclusive<i64>) -> Recent {
        let mut recent = Recent::default();
        recent.add(positions.map(|position| Announced { position, kind: "Told", fact: Arc::new(()) }));
        recent
    }

    fn seen(recent: &Recent, position: i64) -> Option<Vec<i64>> {
        let mut seen = Vec::new();
        let known = recent.after(position, |announced| {
            seen.push(announced.position);
            true
        });
        known.then_some(seen)
    }

    #[test]
    fn what_was_told_before_it_was_opened_is_not_known() {
        assert_eq!(seen(&Recent::default(), 0), None);
        assert_eq!(seen(&recent(5..=7), 3), None);
        assert_eq!(seen(&recent(5..=7), 4), Some(vec![5, 6, 7]));
        assert_eq!(seen(&recent(5..=7), 7), Some(vec![]));
    }

    #[test]
    fn the_oldest_are_let_go() {
        let recent = recent(1..=3_000);
        assert_eq!(seen(&recent, 951), None);
        assert_eq!(seen(&recent, 952).map(|seen| seen.len()), Some(2_048));
        assert_eq!(recent.latest(["Told", "Other"]), 3_000);
    }
}
