//! Every capture and refund is in the ledger once, and in one statement.

use super::Question;
use crate::Scope;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        invariant: "T1",
        sentence: "a statement's sums are those of its entries, recomputed",
        scope: Scope::AnyMoment,
        sql: "SELECT s.id, s.gross, s.refunds, s.commission, s.net, e.gross, e.refunds, e.commission, e.net
              FROM settlement.statement s
              LEFT JOIN (SELECT statement_id,
                            sum(CASE kind WHEN 'CAPTURE' THEN gross ELSE 0 END) AS gross,
                            sum(CASE kind WHEN 'REFUND' THEN gross ELSE 0 END) AS refunds,
                            sum(CASE kind WHEN 'REFUND' THEN -commission ELSE commission END) AS commission,
                            sum(CASE kind WHEN 'REFUND' THEN -net ELSE net END) AS net
                         FROM settlement.statement_entry WHERE statement_id IS NOT NULL GROUP BY statement_id) e
                     ON e.statement_id = s.id
              WHERE e.net IS NULL OR s.gross <> e.gross OR s.refunds <> e.refunds OR s.commission <> e.commission
                 OR s.net <> e.net OR s.net <> s.gross - s.refunds - s.seller_discount - s.commission",
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
        sentence: "an entry is in a statement of its own seller and currency, or in none",
        scope: Scope::AnyMoment,
        sql: "SELECT e.id, e.statement_id FROM settlement.statement_entry e
              LEFT JOIN settlement.statement s ON s.id = e.statement_id
              WHERE e.statement_id IS NOT NULL
                AND (s.id IS NULL OR s.seller_id <> e.seller_id OR s.currency <> e.currency)",
    },
    Question {
        invariant: "T1",
        sentence: "each capture and each refund of payment is booked in the ledger, once",
        scope: Scope::AtRest,
        sql: "SELECT 'capture', p.id, p.captured, count(t.id) FROM payment.payment p
              LEFT JOIN settlement.ledger_transaction t ON t.source_id = p.id AND t.kind = 'CAPTURE'
              WHERE p.captured_at IS NOT NULL AND p.captured > 0 GROUP BY p.id HAVING count(t.id) <> 1
              UNION ALL
              SELECT 'refund', r.id, r.amount, count(t.id) FROM payment.refund r
              LEFT JOIN settlement.ledger_transaction t ON t.source_id = r.id AND t.kind = 'REFUND'
              WHERE r.state = 'SUCCEEDED' AND r.amount > 0 GROUP BY r.id HAVING count(t.id) <> 1",
    },
    Question {
        invariant: "T1",
        sentence: "a seller's account in the ledger is what the entries say less what was paid out",
        scope: Scope::AtRest,
        sql: "WITH
                entered AS (SELECT seller_id, currency, sum(CASE kind WHEN 'REFUND' THEN -net ELSE net END) AS amount
                            FROM settlement.statement_entry
                            GROUP BY seller_id, currency),
                posted AS (SELECT a.seller_id, p.currency, -sum(p.amount) AS amount FROM settlement.ledger_posting p
                           JOIN settlement.ledger_account a ON a.id = p.account_id
                           JOIN settlement.ledger_transaction t ON t.id = p.transaction_id
                           WHERE a.seller_id IS NOT NULL
                             AND t.kind IN ('CAPTURE', 'REFUND', 'COMMISSION', 'SUBSIDY')
                           GROUP BY a.seller_id, p.currency)
              SELECT e.seller_id, e.currency, e.amount, coalesce(p.amount, 0) FROM entered e
              LEFT JOIN posted p USING (seller_id, currency) WHERE e.amount <> coalesce(p.amount, 0)",
    },
];
