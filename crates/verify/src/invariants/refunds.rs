//! No piece is given back twice, and each goes back for what it cost.

use super::Question;
use crate::Scope;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        invariant: "M4",
        sentence: "no more pieces of a line are asked back and given back than were bought, and they are counted right",
        scope: Scope::AnyMoment,
        sql: "WITH
                wanted AS (SELECT l.order_line_id, sum((r.state = 'REQUESTED') * l.quantity) AS asked,
                              sum((r.state = 'APPROVED') * l.quantity) AS approved
                           FROM order_refund_line l JOIN order_refund r USING (refund_id) GROUP BY l.order_line_id)
              SELECT w.order_line_id, b.quantity, w.asked, c.asked, w.approved, c.approved FROM wanted w
              LEFT JOIN ordering.order_line b USING (order_line_id) LEFT JOIN order_refund_count c USING (order_line_id)
              WHERE b.quantity IS NULL OR w.asked + w.approved > b.quantity
                 OR c.bought IS NULL OR c.bought <> b.quantity OR c.asked <> w.asked OR c.approved <> w.approved",
    },
    Question {
        invariant: "M4",
        sentence: "pieces are given back for their part of what was paid for the line, each part of it by cumulative floor",
        scope: Scope::AnyMoment,
        sql: "WITH
                back AS (SELECT l.order_line_id, sum(l.quantity) AS quantity, sum(l.gross) AS gross, sum(l.net) AS net,
                            sum(l.platform_discount) AS platform, sum(l.seller_discount) AS seller
                         FROM order_refund_line l JOIN order_refund r USING (refund_id)
                         WHERE r.state = 'APPROVED' GROUP BY l.order_line_id),
                bought AS (SELECT order_line_id, quantity, unit_price, platform_discount AS platform, seller_discount AS seller,
                              quantity * unit_price - platform_discount - seller_discount AS net
                           FROM ordering.order_line)
              SELECT b.order_line_id, b.quantity, b.net, g.quantity, g.gross, g.net, g.platform, g.seller
              FROM back g JOIN bought b USING (order_line_id)
              WHERE g.gross <> g.quantity * b.unit_price OR g.net <> b.net * g.quantity / b.quantity
                 OR g.gross <> g.net + g.platform + g.seller OR g.platform > b.platform OR g.seller > b.seller
                 OR g.quantity = b.quantity AND (g.platform <> b.platform OR g.seller <> b.seller)
              UNION ALL
              SELECT r.refund_id, NULL, r.amount, NULL, NULL, sum(l.net), NULL, NULL
              FROM order_refund r LEFT JOIN order_refund_line l USING (refund_id)
              GROUP BY r.refund_id HAVING r.amount <> coalesce(sum(l.net), 0)",
    },
    Question {
        invariant: "M4",
        sentence: "a refund that was approved gave its money back, unless an operator has by other means, and no other did",
        scope: Scope::AtRest,
        sql: "SELECT refund_id, order_id, state, money FROM order_refund
              WHERE state = 'APPROVED' AND money NOT IN ('REFUNDED', 'RESOLVED') OR state <> 'APPROVED' AND money <> 'NONE'",
    },
    Question {
        invariant: "M4",
        sentence: "what an order that was sent has given back is what payment gave back, refund by refund and to the unit",
        scope: Scope::AtRest,
        sql: "WITH
                sent AS (SELECT order_id, refunded FROM ordering.orders WHERE state IN ('CONFIRMED', 'COMPLETED')),
                parts (refund_id, order_id, ordered, paid) AS (
                    SELECT refund_id, order_id, amount + 1, 0 FROM order_refund WHERE money = 'REFUNDED'
                    UNION ALL
                    SELECT p.id, p.order_id, 0, p.amount + 1 FROM payment.refund p JOIN sent USING (order_id)
                    WHERE p.state = 'SUCCEEDED')
              -- One more each, so that a refund of nothing counts, too.
              SELECT refund_id, order_id, sum(ordered) - 1, sum(paid) - 1 FROM parts
              GROUP BY refund_id HAVING sum(ordered) <> sum(paid)
              UNION ALL
              SELECT NULL, s.order_id, s.refunded, coalesce(sum(r.amount), 0) FROM sent s
              LEFT JOIN order_refund r ON r.order_id = s.order_id AND r.money = 'REFUNDED'
              GROUP BY s.order_id HAVING s.refunded <> coalesce(sum(r.amount), 0)",
    },
    Question {
        invariant: "T1",
        sentence: "each line of a refund that went back has one entry, with the amounts of the refund",
        scope: Scope::AtRest,
        sql: "WITH parts (refund, line, sign, quantity, gross, seller_discount, platform_discount) AS (
                    SELECT l.refund_id, l.order_line_id, 1, l.quantity, l.gross, l.seller_discount, l.platform_discount
                    FROM order_refund_line l JOIN order_refund r USING (refund_id) WHERE r.money = 'REFUNDED'
                    UNION ALL
                    SELECT e.source_id, e.order_line_id, -1, e.quantity, e.gross, e.seller_discount, e.platform_subsidy
                    FROM settlement.statement_entry e JOIN ordering.orders o USING (order_id)
                    WHERE e.kind = 'REFUND' AND o.state IN ('CONFIRMED', 'COMPLETED'))
              SELECT refund, line, sum(sign = 1), sum(sign = -1), sum(sign * quantity), sum(sign * gross),
                  sum(sign * seller_discount), sum(sign * platform_discount)
              FROM parts GROUP BY refund, line
              HAVING sum(sign = 1) <> 1 OR sum(sign = -1) <> 1 OR sum(sign * quantity) <> 0 OR sum(sign * gross) <> 0
                  OR sum(sign * seller_discount) <> 0 OR sum(sign * platform_discount) <> 0",
    },
];
