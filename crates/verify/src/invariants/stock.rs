//! Nothing oversold, nothing lost; every coupon where it belongs.

use super::Question;
use crate::Scope;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        invariant: "S1",
        sentence: "put in = available + reserved + sold for each option, none below 0",
        scope: Scope::AnyMoment,
        sql: "SELECT option_id, put_in, available, reserved, sold FROM item.stock
              WHERE available + reserved + sold <> put_in OR available < 0 OR reserved < 0 OR sold < 0",
    },
    Question {
        invariant: "S1",
        sentence: "reserved is the sum of the open holds, sold that of the sold ones less what came back of them",
        scope: Scope::AnyMoment,
        sql: "WITH
                held AS (SELECT l.option_id, sum((h.state = 'RESERVED') * l.quantity) AS reserved,
                            sum((h.state = 'SOLD') * l.quantity) AS sold
                         FROM item.hold_line l JOIN item.hold h USING (order_id) GROUP BY l.option_id),
                back AS (SELECT l.option_id, sum(l.restocked) AS restocked
                         FROM item_refunded_line l JOIN item.hold h USING (order_id)
                         WHERE h.state = 'SOLD' GROUP BY l.option_id)
              SELECT s.option_id, s.reserved, h.reserved, s.sold, h.sold, b.restocked FROM item.stock s
              LEFT JOIN held h USING (option_id) LEFT JOIN back b USING (option_id)
              WHERE s.reserved <> coalesce(h.reserved, 0)
                 OR s.sold <> coalesce(h.sold, 0) - coalesce(b.restocked, 0)",
    },
    Question {
        invariant: "S1",
        sentence: "for the limit of an option a customer is counted what orders hold and bought less what came back, without one nothing",
        scope: Scope::AnyMoment,
        sql: "WITH
                limited AS (SELECT option_id FROM item.item_option WHERE customer_limit IS NOT NULL),
                parts (option_id, customer_id, held, counted) AS (
                    SELECT l.option_id, h.customer_id, l.quantity, 0 FROM limited
                    JOIN item.hold_line l USING (option_id) JOIN item.hold h USING (order_id)
                    WHERE h.state IN ('RESERVED', 'SOLD')
                    UNION ALL
                    SELECT l.option_id, h.customer_id, -l.restocked, 0 FROM limited
                    JOIN item_refunded_line l USING (option_id) JOIN item.hold h USING (order_id)
                    WHERE h.state IN ('RESERVED', 'SOLD')
                    UNION ALL
                    SELECT option_id, customer_id, 0, taken FROM item.customer_taken JOIN limited USING (option_id))
              SELECT option_id, customer_id, sum(held), sum(counted) FROM parts
              GROUP BY option_id, customer_id HAVING sum(held) <> sum(counted)
              UNION ALL
              -- Also one that counts nothing: it would stand in the way of a limit that is set later.
              SELECT option_id, customer_id, NULL, taken FROM item.customer_taken
              WHERE option_id NOT IN (SELECT option_id FROM limited)",
    },
    Question {
        invariant: "S1",
        sentence: "pieces are sold exactly for orders that live, line by line",
        scope: Scope::AtRest,
        sql: "WITH
                sold AS (SELECT l.order_id, l.option_id, sum(l.quantity) AS quantity
                         FROM item.hold_line l JOIN item.hold h USING (order_id)
                         WHERE h.state = 'SOLD' GROUP BY l.order_id, l.option_id),
                bought AS (SELECT l.order_id, l.option_id, sum(l.quantity) AS quantity
                           FROM ordering.order_line l JOIN ordering.orders o USING (order_id)
                           WHERE o.state IN ('CONFIRMED', 'COMPLETED') GROUP BY l.order_id, l.option_id)
              SELECT b.order_id, b.option_id, 'bought', b.quantity, 'sold', s.quantity FROM bought b
              LEFT JOIN sold s USING (order_id, option_id) WHERE s.quantity IS NULL OR s.quantity <> b.quantity
              UNION ALL
              SELECT s.order_id, s.option_id, 'bought', NULL, 'sold', s.quantity FROM sold s
              LEFT JOIN bought b USING (order_id, option_id) WHERE b.quantity IS NULL",
    },
    Question {
        invariant: "S1",
        sentence: "pieces are paid back and on the shelf again exactly for refunds that were approved, line by line",
        scope: Scope::AtRest,
        sql: "WITH parts (order_line_id, agreed, refunded, to_shelf, restocked) AS (
                    SELECT l.order_line_id, l.quantity, 0, r.restock * l.quantity, 0
                    FROM order_refund_line l JOIN order_refund r USING (refund_id) WHERE r.state = 'APPROVED'
                    UNION ALL SELECT order_line_id, 0, refunded, 0, restocked FROM item_refunded_line)
              SELECT order_line_id, sum(agreed), sum(refunded), sum(to_shelf), sum(restocked) FROM parts
              GROUP BY order_line_id HAVING sum(agreed) <> sum(refunded) OR sum(to_shelf) <> sum(restocked)",
    },
    Question {
        invariant: "S1",
        sentence: "each refund that was agreed to is counted once, as it was agreed to, and no other",
        scope: Scope::AtRest,
        sql: "SELECT i.refund_id, i.order_id, r.state, r.restock FROM item_refund i LEFT JOIN order_refund r USING (refund_id)
              WHERE r.state IS NULL OR r.state <> 'APPROVED' OR r.restock <> i.restocked OR r.order_id <> i.order_id
              UNION ALL
              SELECT r.refund_id, r.order_id, r.state, r.restock FROM order_refund r LEFT JOIN item_refund i USING (refund_id)
              WHERE r.state = 'APPROVED' AND i.refund_id IS NULL",
    },
    Question {
        invariant: "C1",
        sentence: "no coupon is issued more often than its limit, its counter is right, and each customer has it once",
        scope: Scope::AnyMoment,
        sql: "SELECT c.coupon_id, c.issue_limit, c.issued_count, count(i.issued_coupon_id) FROM coupon.coupon c
              LEFT JOIN coupon.issued_coupon i USING (coupon_id) GROUP BY c.coupon_id
              HAVING c.issued_count <> count(i.issued_coupon_id) OR c.issued_count > c.issue_limit
                  OR count(i.issued_coupon_id) <> count(DISTINCT i.customer_id)",
    },
    Question {
        invariant: "C1",
        sentence: "a coupon is USED exactly where a living order has it",
        scope: Scope::AtRest,
        sql: "SELECT i.issued_coupon_id, i.state, i.order_id, o.state FROM coupon.issued_coupon i
              LEFT JOIN ordering.orders o USING (order_id)
              WHERE i.state = 'USED' AND (o.state IS NULL OR o.state NOT IN ('CONFIRMED', 'COMPLETED'))
              UNION ALL
              SELECT r.issued_coupon_id, i.state, r.order_id, o.state FROM coupon.redemption_coupon r
              JOIN ordering.orders o USING (order_id) JOIN coupon.issued_coupon i USING (issued_coupon_id)
              WHERE o.state IN ('CONFIRMED', 'COMPLETED')
                AND (i.state <> 'USED' OR i.order_id IS NULL OR i.order_id <> r.order_id)",
    },
    Question {
        invariant: "C1",
        sentence: "a living order has exactly the discount that its redemption gives",
        scope: Scope::AtRest,
        sql:
            "SELECT o.order_id, o.discount, coalesce(sum(l.item_discount + l.order_discount), 0) FROM ordering.orders o
              LEFT JOIN coupon.redemption_line l USING (order_id)
              WHERE o.state IN ('CONFIRMED', 'COMPLETED') GROUP BY o.order_id
              HAVING o.discount <> coalesce(sum(l.item_discount + l.order_discount), 0)",
    },
];
