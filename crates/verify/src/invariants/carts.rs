//! Carts go with their customers.

use super::{Part, Question};
use crate::Scope;

/// What order's store has since it keeps carts.
pub(super) const PART: Part = Part { store: "ordering", migration: "order-cart-1", questions: QUESTIONS };

const QUESTIONS: &[Question] = &[Question {
    invariant: "N1",
    sentence: "no cart and no line of one is left of a closed account",
    scope: Scope::AtRest,
    sql: "SELECT 'cart', c.customer_id, NULL FROM ordering.cart c
          JOIN ordering.blocked_account b ON b.account_id = c.customer_id WHERE b.closed
          UNION ALL
          SELECT 'line', l.customer_id, l.cart_line_id FROM ordering.cart_line l
          JOIN ordering.blocked_account b ON b.account_id = l.customer_id WHERE b.closed",
}];
