//! Wishlists go with their customers.

use super::{Part, Question};
use crate::Scope;

/// What item's store has since it keeps wishlists.
pub(super) const PART: Part = Part { store: "item", migration: "item-wishlist-1", questions: QUESTIONS };

const QUESTIONS: &[Question] = &[Question {
    invariant: "N1",
    sentence: "no wishlist is left of a closed account",
    scope: Scope::AtRest,
    sql: concat!(
        "SELECT customer_id, option_id FROM item.wishlist_entry JOIN ",
        closed_customers!(),
        " USING (customer_id)"
    ),
}];
