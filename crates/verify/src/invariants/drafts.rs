//! Drafts become orders or go with their customers.

use super::{Part, Question};
use crate::Scope;

/// What order's store has since it keeps drafts, and with each order the draft that it was.
pub(super) const PART: Part = Part { store: "ordering", migration: "order-draft-2", questions: QUESTIONS };

const QUESTIONS: &[Question] = &[
    Question {
        invariant: "A1",
        sentence: "a draft is no order yet, histories of it and of what it became begin with it, and there are no others",
        scope: Scope::AnyMoment,
        sql: "SELECT order_id, 'became an order' FROM ordering.draft
              WHERE order_id IN (SELECT draft_id FROM ordering.orders WHERE draft_id IS NOT NULL)
              UNION ALL
              SELECT o.order_id, h.state FROM ordering.orders o
              LEFT JOIN ordering.order_history h ON h.order_id = o.order_id AND h.sequence = 1
              WHERE h.state IS NULL OR (h.state = 'DRAFT') <> (o.draft_id IS NOT NULL)
              UNION ALL
              SELECT d.order_id, max(h.state) FROM ordering.draft d LEFT JOIN ordering.order_history h USING (order_id)
              GROUP BY d.order_id HAVING count(h.state) <> 1 OR max(h.state) <> 'DRAFT'
              UNION ALL
              SELECT h.order_id, h.state FROM ordering.order_history h
              WHERE h.sequence = 1 AND h.order_id NOT IN (SELECT order_id FROM ordering.orders)
                AND h.order_id NOT IN (SELECT order_id FROM ordering.draft)
              UNION ALL
              SELECT order_id, 'lines of nothing' FROM ordering.draft_line
              WHERE order_id NOT IN (SELECT order_id FROM ordering.draft)",
    },
    Question {
        invariant: "N1",
        sentence: "no draft is left of a closed account",
        scope: Scope::AtRest,
        sql: "SELECT d.customer_id, d.order_id FROM ordering.draft d
              JOIN ordering.blocked_account b ON b.account_id = d.customer_id WHERE b.closed",
    },
];
