//! What must always hold, as questions whose answers are violations.

mod facts;
mod liveness;
mod money;
mod settlement;
mod stock;

use crate::Scope;

/// A question about the stores. Each row of its answer is a violation.
pub(crate) struct Question {
    pub(crate) invariant: &'static str,
    pub(crate) sentence: &'static str,
    pub(crate) scope: Scope,
    pub(crate) sql: &'static str,
}

pub(crate) fn all() -> impl Iterator<Item = &'static Question> {
    money::QUESTIONS
        .iter()
        .chain(settlement::QUESTIONS)
        .chain(stock::QUESTIONS)
        .chain(facts::QUESTIONS)
        .chain(liveness::QUESTIONS)
}
