//! What must always hold, as questions whose answers are violations.

/// Customers whose accounts are closed: those of whom item has noted it, which it does in the reaction that is checked, and those of whom
/// user says so.
macro_rules! closed_customers {
    () => {
        "(SELECT customer_id FROM item.closed_customer
          UNION SELECT account_id FROM users.account WHERE state = 'CLOSED' AND kind = 'CUSTOMER')"
    };
}

mod carts;
mod drafts;
mod facts;
mod hearts;
mod liveness;
mod money;
mod refunds;
mod settlement;
mod stock;
mod wishes;

use crate::Scope;

/// A question about the stores. Each row of its answer is a violation.
pub(crate) struct Question {
    pub(crate) invariant: &'static str,
    pub(crate) sentence: &'static str,
    pub(crate) scope: Scope,
    pub(crate) sql: &'static str,
}

/// Questions about what a migration has brought into a store, which is not asked of a store that was made before it and not opened
/// since: there is nothing in it that they could be about.
pub(crate) struct Part {
    pub(crate) store: &'static str,
    pub(crate) migration: &'static str,
    pub(crate) questions: &'static [Question],
}

/// What came later.
pub(crate) const PARTS: &[Part] = &[carts::PART, drafts::PART, hearts::PART, wishes::PART];

/// What can be asked of every store.
pub(crate) fn all() -> impl Iterator<Item = &'static Question> {
    money::QUESTIONS
        .iter()
        .chain(refunds::QUESTIONS)
        .chain(settlement::QUESTIONS)
        .chain(stock::QUESTIONS)
        .chain(facts::QUESTIONS)
        .chain(liveness::QUESTIONS)
}
