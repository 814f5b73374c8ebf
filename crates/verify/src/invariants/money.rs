//! Money is neither made nor lost.

use super::Question;
use crate::Scope;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        invariant: "M1",
        sentence: "the postings of the ledger sum to 0 in each currency, and so do those of each transaction",
        scope: Scope::AnyMoment,
        sql: "SELECT 'transaction', transaction_id, currency, sum(amount) FROM settlement.ledger_posting
              GROUP BY transaction_id, currency HAVING sum(amount) <> 0
              UNION ALL
              SELECT 'all', NULL, currency, sum(amount) FROM settlement.ledger_posting
              GROUP BY currency HAVING sum(amount) <> 0",
    },
    Question {
        invariant: "M2",
        sentence: "captured less refunded is the same in payment, in the orders and in the ledger's clearing account",
        scope: Scope::AtRest,
        sql: "WITH
                currencies AS (SELECT currency FROM payment.payment UNION SELECT currency FROM settlement.ledger_posting),
                paid AS (SELECT currency, sum(captured - refunded) AS amount FROM payment.payment GROUP BY currency),
                ordered AS (
                    SELECT currency, sum(gross - discount - refunded) AS amount FROM ordering.orders
                    WHERE captured_at IS NOT NULL GROUP BY currency),
                cleared AS (
                    SELECT p.currency, sum(p.amount) AS amount FROM settlement.ledger_posting p
                    JOIN settlement.ledger_account a ON a.id = p.account_id
                    JOIN settlement.ledger_transaction t ON t.id = p.transaction_id
                    WHERE a.kind = 'PAYMENT_CLEARING' AND t.kind IN ('CAPTURE', 'REFUND') GROUP BY p.currency)
              SELECT c.currency, 'payment', coalesce(p.amount, 0), 'orders', coalesce(o.amount, 0),
                     'ledger', coalesce(l.amount, 0)
              FROM currencies c LEFT JOIN paid p USING (currency) LEFT JOIN ordered o USING (currency)
                   LEFT JOIN cleared l USING (currency)
              WHERE coalesce(p.amount, 0) <> coalesce(o.amount, 0) OR coalesce(p.amount, 0) <> coalesce(l.amount, 0)",
    },
    Question {
        invariant: "M3",
        sentence: "no wallet is below 0, and 0 <= refunded + refunding <= captured <= authorised for each payment",
        scope: Scope::AnyMoment,
        sql: "SELECT 'wallet', account_id, available, held FROM payment.wallet WHERE available < 0 OR held < 0
              UNION ALL
              SELECT 'payment', id, captured, refunded + refunding FROM payment.payment
              WHERE refunded < 0 OR refunding < 0 OR refunded + refunding > captured OR captured > authorized
                 OR authorized > total OR points + external <> total",
    },
    Question {
        invariant: "M3",
        sentence: "a wallet holds what was charged and refunded to it less what was used",
        scope: Scope::AnyMoment,
        sql: "SELECT w.account_id, w.available + w.held, coalesce(e.amount, 0) FROM payment.wallet w
              LEFT JOIN (SELECT account_id, sum(CASE kind WHEN 'USE' THEN -amount ELSE amount END) AS amount
                         FROM payment.wallet_entry GROUP BY account_id) e USING (account_id)
              WHERE w.available + w.held <> coalesce(e.amount, 0)",
    },
    Question {
        invariant: "M3",
        sentence: "points are held exactly for payments that are not decided yet",
        scope: Scope::AtRest,
        sql: "SELECT w.account_id, w.held, coalesce(p.points, 0) FROM payment.wallet w
              LEFT JOIN (SELECT customer_id, sum(points) AS points FROM payment.payment
                         WHERE state IN ('PENDING', 'AUTHORIZED', 'UNRESOLVED') GROUP BY customer_id) p
                     ON p.customer_id = w.account_id
              WHERE w.held <> coalesce(p.points, 0)",
    },
    Question {
        invariant: "M4",
        sentence: "an order that is CONFIRMED or COMPLETED was captured with exactly its total",
        scope: Scope::AtRest,
        sql: "SELECT o.order_id, o.state, o.gross - o.discount, p.state, p.captured, p.refunded FROM ordering.orders o
              LEFT JOIN payment.payment p USING (order_id)
              WHERE o.state IN ('CONFIRMED', 'COMPLETED')
                AND (p.captured IS NULL OR p.captured <> o.gross - o.discount OR p.refunded <> o.refunded)",
    },
    Question {
        invariant: "M4",
        sentence: "an order that is FAILED or CANCELLED keeps no money, unless an operator has given it back by other means",
        scope: Scope::AtRest,
        sql: "SELECT o.order_id, o.state, p.state, p.captured, p.refunded FROM ordering.orders o
              JOIN payment.payment p USING (order_id)
              WHERE o.state IN ('FAILED', 'CANCELLED') AND p.captured <> p.refunded
                AND NOT EXISTS (SELECT 1 FROM ordering.saga_step s
                                WHERE s.order_id = o.order_id AND s.kind = 'REFUND' AND s.state = 'RESOLVED')",
    },
    Question {
        invariant: "M4",
        sentence: "money was captured only for an order that there is, and at most once",
        scope: Scope::AtRest,
        sql: "SELECT p.order_id, p.captured, count(*) FROM payment.payment p
              LEFT JOIN ordering.orders o USING (order_id)
              WHERE p.captured > 0 GROUP BY p.order_id HAVING count(*) > 1 OR max(o.order_id) IS NULL",
    },
    Question {
        invariant: "M4",
        sentence: "the refunds of a payment that succeeded are what it has refunded",
        scope: Scope::AnyMoment,
        sql: "SELECT p.order_id, p.refunded, coalesce(sum(r.amount), 0) FROM payment.payment p
              LEFT JOIN payment.refund r ON r.order_id = p.order_id AND r.state = 'SUCCEEDED'
              GROUP BY p.order_id HAVING p.refunded <> coalesce(sum(r.amount), 0)",
    },
];
