//! Everything reaches an end, and nothing is left over.

use super::Question;
use crate::Scope;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        invariant: "A1",
        sentence: "an order is as old as its history says, and its last entry is its state",
        scope: Scope::AnyMoment,
        sql: "SELECT o.order_id, o.state, h.state FROM ordering.orders o
              LEFT JOIN ordering.order_history h ON h.order_id = o.order_id AND h.sequence =
                 (SELECT max(sequence) FROM ordering.order_history l WHERE l.order_id = o.order_id)
              WHERE h.state IS NULL OR h.state <> o.state",
    },
    Question {
        invariant: "L1",
        sentence: "no order is under way, and no saga is open",
        scope: Scope::AtRest,
        sql: "SELECT order_id, state, saga_state, parked_reason FROM ordering.orders
              WHERE state IN ('PENDING', 'FAILED', 'CANCELLING') OR saga_state <> 'DONE' OR wake_at IS NOT NULL",
    },
    Question {
        invariant: "L1",
        sentence: "no stock is held without an order under way",
        scope: Scope::AtRest,
        sql: "SELECT order_id, state FROM item.hold WHERE state = 'RESERVED'",
    },
    Question {
        invariant: "L1",
        sentence: "no coupon is held without an order under way",
        scope: Scope::AtRest,
        sql: "SELECT issued_coupon_id, state, order_id FROM coupon.issued_coupon WHERE state = 'RESERVED'
              UNION ALL
              SELECT order_id, state, NULL FROM coupon.redemption_order WHERE state = 'RESERVED'",
    },
    Question {
        invariant: "L1",
        sentence: "no payment, refund or charge is under way",
        scope: Scope::AtRest,
        sql: "SELECT 'payment', order_id, state FROM payment.payment
              WHERE state IN ('PENDING', 'AUTHORIZED') OR under_way IS NOT NULL OR refunding <> 0
              UNION ALL SELECT 'refund', id, state FROM payment.refund WHERE state = 'PENDING'
              UNION ALL SELECT 'charge', id, state FROM payment.points_charge WHERE state = 'PENDING'",
    },
];
