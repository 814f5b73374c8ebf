//! Every capture and refund is in the ledger once, and in one statement; what sellers earned is paid to them once.

use super::Question;
use crate::Scope;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        invariant: "T1",
        sentence: "a statement's sums are those of its entries, recomputed",
        scope: Scope::AnyMoment,
        sql: "WITH
                entries AS (SELECT statement_id, kind, CASE kind WHEN 'REFUND' THEN -1 ELSE 1 END AS sign, gross, commission,
                               seller_discount, platform_subsidy, net
                            FROM settlement.statement_entry WHERE statement_id IS NOT NULL),
                sums AS (SELECT statement_id,
                            sum((kind = 'CAPTURE') * gross) AS gross, sum((kind = 'REFUND') * gross) AS refunds,
                            sum(sign * commission) AS commission, sum(sign * seller_discount) AS seller_discount,
                            sum(sign * platform_subsidy) AS platform_subsidy, sum(sign * net) AS net,
                            sum(kind = 'CAPTURE') AS capture_count, sum(kind = 'REFUND') AS refund_count
                         FROM entries GROUP BY statement_id)
              SELECT s.id, s.gross, s.refunds, s.commission, s.net, e.gross, e.refunds, e.commission, e.net
              FROM settlement.statement s LEFT JOIN sums e ON e.statement_id = s.id
              WHERE e.net IS NULL OR s.gross <> e.gross OR s.refunds <> e.refunds OR s.commission <> e.commission
                 OR s.seller_discount <> e.seller_discount OR s.platform_subsidy <> e.platform_subsidy
                 OR s.net <> e.net OR s.net <> s.gross - s.refunds - s.seller_discount - s.commission
                 OR s.capture_count <> e.capture_count OR s.refund_count <> e.refund_count",
    },
    Question {
        invariant: "T1",
        sentence: "an entry of before a close's cut-off that was kept when the close began is in a statement",
        scope: Scope::AtRest,
        // An entry is booked at the moment of the payment and may be heard of later; when it was kept is in its id (UUIDv7:
        // milliseconds in the first six bytes).
        sql: "SELECT e.id, e.seller_id, e.booked_at, c.id FROM settlement.statement_entry e
              JOIN settlement.close_run c ON c.finished_at IS NOT NULL AND e.booked_at < c.cut_off
                   AND hex(substr(e.id, 1, 6)) < printf('%012X', c.started_at / 1000)
              WHERE e.statement_id IS NULL",
    },
    Question {
        invariant: "T1",
        sentence: "an entry is in a statement of its own seller and currency that was cut off after it, or in none",
        scope: Scope::AnyMoment,
        sql: "SELECT e.id, e.statement_id, e.booked_at, s.cut_off FROM settlement.statement_entry e
              LEFT JOIN settlement.statement s ON s.id = e.statement_id
              WHERE e.statement_id IS NOT NULL
                AND (s.id IS NULL OR s.seller_id <> e.seller_id OR s.currency <> e.currency OR e.booked_at >= s.cut_off)",
    },
    Question {
        invariant: "T1",
        sentence: "what payment captured, refunded and sold as points is in the ledger, once and to the unit, and nothing else is",
        scope: Scope::AtRest,
        sql: "WITH parts (kind, id, moved, amount, booked, posted) AS (
                    SELECT 'CAPTURE', id, 1, captured, 0, 0 FROM payment.payment WHERE captured_at IS NOT NULL
                    UNION ALL SELECT 'REFUND', id, 1, -amount, 0, 0 FROM payment.refund WHERE state = 'SUCCEEDED'
                    UNION ALL SELECT 'POINTS_CHARGE', id, 1, amount, 0, 0 FROM payment.points_charge WHERE state = 'COMPLETED'
                    UNION ALL SELECT kind, source_id, 0, 0, 1, 0 FROM settlement.ledger_transaction
                    WHERE kind IN ('CAPTURE', 'REFUND', 'POINTS_CHARGE')
                    UNION ALL
                    SELECT t.kind, t.source_id, 0, 0, 0, p.amount FROM settlement.ledger_posting p
                    JOIN settlement.ledger_account a ON a.id = p.account_id
                    JOIN settlement.ledger_transaction t ON t.id = p.transaction_id
                    WHERE t.kind IN ('CAPTURE', 'REFUND') AND a.kind = 'PAYMENT_CLEARING'
                       OR t.kind = 'POINTS_CHARGE' AND a.kind = 'POINTS_CLEARING')
              SELECT kind, id, 'payment', sum(moved), sum(amount), 'ledger', sum(booked), sum(posted) FROM parts
              GROUP BY kind, id HAVING sum(moved) <> 1 OR sum(booked) <> 1 OR sum(amount) <> sum(posted)",
    },
    Question {
        invariant: "T1",
        sentence: "each line of an order that was captured has one entry of its capture, with the amounts of the order",
        scope: Scope::AtRest,
        sql: "WITH parts (line, sign, seller, currency, quantity, gross, seller_discount, platform_discount) AS (
                    SELECT l.order_line_id, 1, l.seller_id, o.currency, l.quantity, l.quantity * l.unit_price,
                        l.seller_discount, l.platform_discount
                    FROM ordering.order_line l JOIN ordering.orders o USING (order_id) WHERE o.captured_at IS NOT NULL
                    UNION ALL
                    SELECT order_line_id, -1, seller_id, currency, quantity, gross, seller_discount, platform_subsidy
                    FROM settlement.statement_entry WHERE kind = 'CAPTURE')
              SELECT line, sum(sign = 1), sum(sign = -1), sum(sign * quantity), sum(sign * gross),
                  sum(sign * seller_discount), sum(sign * platform_discount)
              FROM parts GROUP BY line
              HAVING sum(sign = 1) <> 1 OR sum(sign = -1) <> 1 OR min(seller) <> max(seller) OR min(currency) <> max(currency)
                  OR sum(sign * quantity) <> 0 OR sum(sign * gross) <> 0 OR sum(sign * seller_discount) <> 0
                  OR sum(sign * platform_discount) <> 0",
    },
    Question {
        invariant: "T1",
        sentence: "the commission of a capture is its rate of what the seller asked, rounded down; refunds give back no more of it",
        scope: Scope::AnyMoment,
        // Parts, because the whole times the rate may not fit.
        sql: "WITH captured AS (
                    SELECT id, payment_id, order_line_id, commission, rate_bps, gross - seller_discount AS base
                    FROM settlement.statement_entry WHERE kind = 'CAPTURE')
              SELECT id, base, rate_bps, commission FROM captured
              WHERE commission <> base / 10000 * rate_bps + base % 10000 * rate_bps / 10000
              UNION ALL
              SELECT c.id, c.base, c.commission, sum(r.commission) FROM captured c
              JOIN settlement.statement_entry r ON r.payment_id = c.payment_id AND r.order_line_id = c.order_line_id
                   AND r.kind = 'REFUND'
              GROUP BY c.id HAVING sum(r.commission) > c.commission
                  OR sum(r.gross - r.seller_discount) = c.base AND sum(r.commission) <> c.commission",
    },
    Question {
        invariant: "T1",
        sentence: "the entries of each capture and refund are what its transactions owe the sellers",
        scope: Scope::AnyMoment,
        sql: "WITH
                entries AS (SELECT *, CASE kind WHEN 'REFUND' THEN -1 ELSE 1 END AS sign FROM settlement.statement_entry),
                parts AS (
                    SELECT source_id, kind, seller_id, currency, sign * (net + commission - platform_subsidy) AS amount
                    FROM entries
                    UNION ALL SELECT source_id, 'SUBSIDY', seller_id, currency, sign * platform_subsidy FROM entries
                    UNION ALL SELECT source_id, 'COMMISSION', seller_id, currency, -sign * commission FROM entries
                    UNION ALL
                    SELECT t.source_id, t.kind, a.seller_id, p.currency, p.amount FROM settlement.ledger_posting p
                    JOIN settlement.ledger_account a ON a.id = p.account_id
                    JOIN settlement.ledger_transaction t ON t.id = p.transaction_id
                    WHERE a.seller_id IS NOT NULL AND t.kind IN ('CAPTURE', 'REFUND', 'SUBSIDY', 'COMMISSION'))
              -- Credits are below 0: what is owed and what was entered take each other away.
              SELECT source_id, kind, seller_id, currency, sum(amount) FROM parts
              GROUP BY source_id, kind, seller_id, currency HAVING sum(amount) <> 0",
    },
    Question {
        invariant: "T2",
        sentence: "a seller's account in the ledger is what the entries say less the payouts that have not come back",
        scope: Scope::AnyMoment,
        sql: "WITH parts AS (
                    SELECT seller_id, currency, CASE kind WHEN 'REFUND' THEN -net ELSE net END AS amount
                    FROM settlement.statement_entry
                    UNION ALL
                    SELECT seller_id, currency, -amount FROM settlement.payout WHERE state NOT IN ('FAILED', 'RETURNED')
                    UNION ALL
                    SELECT a.seller_id, p.currency, p.amount FROM settlement.ledger_posting p
                    JOIN settlement.ledger_account a ON a.id = p.account_id WHERE a.seller_id IS NOT NULL)
              SELECT seller_id, currency, sum(amount) FROM parts GROUP BY seller_id, currency HAVING sum(amount) <> 0",
    },
    Question {
        invariant: "T2",
        sentence: "a statement that is SETTLED is in one settlement of its seller and currency, and paid by its payout",
        scope: Scope::AnyMoment,
        sql: "SELECT t.id, t.state, t.settlement_id, t.payout_id, s.payout_id FROM settlement.statement t
              LEFT JOIN settlement.settlement s ON s.id = t.settlement_id
              WHERE (t.state = 'SETTLED') <> (s.id IS NOT NULL) OR (t.state = 'SETTLED') <> (t.settled_at IS NOT NULL)
                 OR t.payout_id IS NOT s.payout_id OR s.seller_id <> t.seller_id OR s.currency <> t.currency",
    },
    Question {
        invariant: "T2",
        sentence: "a settlement is the sum of its statements, and with what it brought forward it is paid, or carried below 0",
        scope: Scope::AnyMoment,
        sql: "WITH nets AS (SELECT settlement_id, sum(net) AS net FROM settlement.statement GROUP BY settlement_id)
              SELECT s.id, s.statements_net, n.net, s.brought_forward, s.carried_forward, p.amount
              FROM settlement.settlement s
              LEFT JOIN nets n ON n.settlement_id = s.id
              LEFT JOIN settlement.payout p ON p.id = s.payout_id
              WHERE s.statements_net <> coalesce(n.net, 0)
                 OR s.carried_forward <> min(0, s.statements_net + s.brought_forward)
                 OR coalesce(p.amount, 0) <> max(0, s.statements_net + s.brought_forward)",
    },
    Question {
        invariant: "T2",
        sentence: "a settlement brings forward what the one before it carried and payouts that came back, each once",
        scope: Scope::AnyMoment,
        sql: "WITH
                put_back AS (
                    SELECT id, seller_id, currency, brought_forward - coalesce(lag(carried_forward) OVER
                        (PARTITION BY seller_id, currency ORDER BY number), 0) AS amount
                    FROM settlement.settlement),
                came_back AS (
                    SELECT seller_id, currency, sum(amount) AS amount FROM settlement.payout
                    WHERE state IN ('FAILED', 'RETURNED') GROUP BY seller_id, currency)
              SELECT id, amount, NULL FROM put_back WHERE amount < 0
              UNION ALL
              SELECT p.seller_id, sum(p.amount), max(c.amount) FROM put_back p LEFT JOIN came_back c USING (seller_id, currency)
              GROUP BY p.seller_id, p.currency HAVING sum(p.amount) > coalesce(max(c.amount), 0)",
    },
    Question {
        invariant: "T2",
        sentence: "a payout is the one of its settlement",
        scope: Scope::AnyMoment,
        sql: "SELECT p.id, p.state, p.amount, p.settlement_id, s.payout_id FROM settlement.payout p
              LEFT JOIN settlement.settlement s ON s.id = p.settlement_id
              WHERE s.payout_id IS NOT p.id OR s.seller_id <> p.seller_id OR s.currency <> p.currency",
    },
    Question {
        invariant: "T2",
        sentence: "a payout has exactly the transactions that its state implies, each once and to the unit",
        scope: Scope::AnyMoment,
        sql: "WITH
                steps (kind, states, debited, credited) AS (VALUES
                    ('PAYOUT', 'PENDING IN_TRANSIT PAID FAILED RETURNED', 'SELLER_PAYABLE', 'PAYOUT_CLEARING'),
                    ('PAYOUT_PAID', 'PAID RETURNED', 'PAYOUT_CLEARING', 'BANK'),
                    ('PAYOUT_FAILED', 'FAILED', 'PAYOUT_CLEARING', 'SELLER_PAYABLE'),
                    ('PAYOUT_RETURNED', 'RETURNED', 'BANK', 'SELLER_PAYABLE')),
                taken AS (
                    SELECT p.id, p.seller_id, p.currency, p.amount, s.kind, s.debited, s.credited
                    FROM settlement.payout p JOIN steps s ON instr(s.states, p.state) > 0),
                implied AS (
                    SELECT id, kind, debited AS account, currency, amount, seller_id FROM taken
                    UNION ALL SELECT id, kind, credited, currency, -amount, seller_id FROM taken),
                expected AS (
                    SELECT id, kind, account, CASE account WHEN 'SELLER_PAYABLE' THEN seller_id END AS seller_id,
                        currency, amount, 1 AS times
                    FROM implied),
                booked AS (
                    SELECT t.source_id AS id, t.kind, a.kind AS account, a.seller_id, p.currency, p.amount, count(*) AS times
                    FROM settlement.ledger_transaction t
                    JOIN settlement.ledger_posting p ON p.transaction_id = t.id
                    JOIN settlement.ledger_account a ON a.id = p.account_id
                    WHERE t.kind IN (SELECT kind FROM steps)
                    GROUP BY t.source_id, t.kind, a.kind, a.seller_id, p.currency, p.amount)
              SELECT 'missing', * FROM (SELECT * FROM expected EXCEPT SELECT * FROM booked)
              UNION ALL
              SELECT 'booked', * FROM (SELECT * FROM booked EXCEPT SELECT * FROM expected)",
    },
    Question {
        invariant: "T2",
        sentence: "the bank's fee is booked for a payout that it took, at most once",
        scope: Scope::AnyMoment,
        sql: "SELECT t.source_id, count(*), p.state, p.sent_at FROM settlement.ledger_transaction t
              LEFT JOIN settlement.payout p ON p.id = t.source_id
              WHERE t.kind = 'FEE' GROUP BY t.source_id HAVING count(*) > 1 OR p.sent_at IS NULL",
    },
];
