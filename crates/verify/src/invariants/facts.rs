//! Every change is told once, and heard once, in order.

use super::Question;
use crate::Scope;

/// All outboxes as one.
macro_rules! outboxes {
    () => {
        "(SELECT 'item' AS teller, * FROM item.outbox UNION ALL SELECT 'coupon', * FROM coupon.outbox
          UNION ALL SELECT 'order', * FROM ordering.outbox UNION ALL SELECT 'payment', * FROM payment.outbox
          UNION ALL SELECT 'settlement', * FROM settlement.outbox UNION ALL SELECT 'user', * FROM users.outbox)"
    };
}

/// What all outboxes have lost to pruning.
macro_rules! pruned {
    () => {
        "(SELECT 'item' AS teller, * FROM item.outbox_pruned UNION ALL SELECT 'coupon', * FROM coupon.outbox_pruned
          UNION ALL SELECT 'order', * FROM ordering.outbox_pruned UNION ALL SELECT 'payment', * FROM payment.outbox_pruned
          UNION ALL SELECT 'settlement', * FROM settlement.outbox_pruned
          UNION ALL SELECT 'user', * FROM users.outbox_pruned)"
    };
}

/// All inboxes as one.
macro_rules! inboxes {
    () => {
        "(SELECT * FROM item.inbox UNION ALL SELECT * FROM coupon.inbox UNION ALL SELECT * FROM ordering.inbox
          UNION ALL SELECT * FROM payment.inbox UNION ALL SELECT * FROM settlement.inbox)"
    };
}

/// How far each group has heard each aggregate, by topic.
macro_rules! heard_to {
    () => {
        "(SELECT * FROM item.inbox_sequence UNION ALL SELECT * FROM coupon.inbox_sequence
          UNION ALL SELECT * FROM ordering.inbox_sequence UNION ALL SELECT * FROM payment.inbox_sequence
          UNION ALL SELECT * FROM settlement.inbox_sequence)"
    };
}

/// The last number that each aggregate has told, by topic.
macro_rules! told_to {
    () => {
        concat!(
            "(SELECT 'bojagi.' || teller || '.v1' AS topic, aggregate_id, max(last) AS last
              FROM (SELECT teller, aggregate_id, sequence AS last FROM ",
            outboxes!(),
            " UNION ALL SELECT teller, aggregate_id, last FROM ",
            pruned!(),
            ") GROUP BY teller, aggregate_id)"
        )
    };
}

/// Six days ago, by the clock of the shop, which may be ahead of ours: inbox rows and answers are kept for seven.
macro_rules! six_days_ago {
    () => {
        concat!("((SELECT max(unixepoch() * 1000000, max(told_at)) FROM ", outboxes!(), ") - 6 * 86400000000)")
    };
}

/// Who hears what: the groups that react to a fact. That a group has heard one is noted whatever the reaction comes to. Groups that
/// came later are there once the store has what they are about.
macro_rules! heard_by {
    () => {
        "(SELECT 'item' AS hearer, 'bojagi.order.v1.OrderConfirmed' AS fact
          UNION ALL SELECT 'item', 'bojagi.order.v1.OrderFailed'
          UNION ALL SELECT 'item', 'bojagi.order.v1.OrderCancelled'
          UNION ALL SELECT 'item.refunds', 'bojagi.order.v1.RefundApproved'
          UNION ALL SELECT 'coupon', 'bojagi.order.v1.OrderConfirmed'
          UNION ALL SELECT 'coupon', 'bojagi.order.v1.OrderFailed'
          UNION ALL SELECT 'coupon', 'bojagi.order.v1.OrderCancelled'
          UNION ALL SELECT 'coupon', 'bojagi.item.v1.ItemCreated'
          UNION ALL SELECT 'coupon', 'bojagi.item.v1.ItemUpdated'
          UNION ALL SELECT 'coupon', 'bojagi.item.v1.ItemDeleted'
          UNION ALL SELECT 'order.stock', 'bojagi.item.v1.StockReleased'
          UNION ALL SELECT 'order.coupons', 'bojagi.coupon.v1.CouponReleased'
          UNION ALL SELECT 'order.payments', 'bojagi.payment.v1.PaymentCaptured'
          UNION ALL SELECT 'order.payments', 'bojagi.payment.v1.PaymentVoided'
          UNION ALL SELECT 'order.payments', 'bojagi.payment.v1.PaymentDeclined'
          UNION ALL SELECT 'order.payments', 'bojagi.payment.v1.PaymentRefunded'
          UNION ALL SELECT 'order.payments', 'bojagi.payment.v1.PaymentUnresolved'
          UNION ALL SELECT 'order.refunds', 'bojagi.payment.v1.PaymentRefunded'
                    WHERE EXISTS (SELECT 1 FROM ordering.migration WHERE name = 'order-refunds-1')
          UNION ALL SELECT 'payment', 'bojagi.order.v1.OrderFailed'
          UNION ALL SELECT 'order.accounts', 'bojagi.user.v1.AccountSuspended'
          UNION ALL SELECT 'order.accounts', 'bojagi.user.v1.AccountReinstated'
          UNION ALL SELECT 'order.accounts', 'bojagi.user.v1.AccountClosed'
          UNION ALL SELECT 'order.carts', 'bojagi.user.v1.AccountClosed'
                    WHERE EXISTS (SELECT 1 FROM ordering.migration WHERE name = 'order-cart-1')
          UNION ALL SELECT 'item.customers', 'bojagi.user.v1.AccountClosed'
                    WHERE EXISTS (SELECT 1 FROM item.migration WHERE name = 'item-wishlist-1')
          UNION ALL SELECT 'coupon', 'bojagi.user.v1.AccountClosed'
          UNION ALL SELECT 'item', 'bojagi.user.v1.AccountClosed'
          UNION ALL SELECT 'payment', 'bojagi.user.v1.AccountClosed'
          UNION ALL SELECT 'settlement', 'bojagi.payment.v1.PaymentCaptured'
          UNION ALL SELECT 'settlement', 'bojagi.payment.v1.PaymentRefunded'
          UNION ALL SELECT 'settlement', 'bojagi.payment.v1.PointsCharged')"
    };
}

/// Facts of a store that its relay has not published although it was still at work after they were told.
macro_rules! unpublished_in {
    ($store:literal) => {
        concat!(
            "SELECT l.topic, o.position, o.event_type FROM ",
            $store,
            ".outbox o
             JOIN ",
            $store,
            ".consumer_position p ON p.consumer = 'relay' AND o.position > p.position
             JOIN ",
            $store,
            ".relay_lease l ON l.topic = p.topic AND o.told_at < l.held_until"
        )
    };
}

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        invariant: "X1",
        sentence: "each order has told exactly what has become of it",
        scope: Scope::AnyMoment,
        sql: "WITH told AS (SELECT aggregate_id AS order_id, sum(event_type = 'bojagi.order.v1.OrderPlaced') AS placed,
                       sum(event_type = 'bojagi.order.v1.OrderConfirmed') AS confirmed,
                       sum(event_type = 'bojagi.order.v1.OrderFailed') AS failed,
                       sum(event_type = 'bojagi.order.v1.OrderCancelled') AS cancelled,
                       sum(event_type = 'bojagi.order.v1.OrderCompleted') AS completed
                     FROM ordering.outbox GROUP BY aggregate_id)
              SELECT o.order_id, o.state, t.placed, t.confirmed, t.failed, t.cancelled, t.completed
              FROM ordering.orders o LEFT JOIN told t USING (order_id)
              WHERE o.order_id NOT IN (SELECT aggregate_id FROM ordering.outbox_pruned)
                AND (t.placed IS NULL OR t.placed <> 1
                 OR t.confirmed <> (o.confirmed_at IS NOT NULL)
                 OR t.completed <> (o.state = 'COMPLETED')
                 OR t.failed <> (o.confirmed_at IS NULL AND o.state IN ('FAILED', 'CANCELLED'))
                 OR t.failed + t.confirmed > 1
                 OR t.cancelled <> (o.confirmed_at IS NOT NULL AND o.state IN ('CANCELLING', 'CANCELLED')))",
    },
    Question {
        invariant: "X1",
        sentence: "each capture and each refund was told exactly once",
        scope: Scope::AnyMoment,
        sql: "SELECT p.id, p.state, coalesce(sum(f.event_type = 'bojagi.payment.v1.PaymentCaptured'), 0) AS told_captured,
                     coalesce(sum(f.event_type = 'bojagi.payment.v1.PaymentRefunded'), 0) AS told_refunded
              FROM payment.payment p LEFT JOIN payment.outbox f ON f.aggregate_id = p.id
              WHERE p.id NOT IN (SELECT aggregate_id FROM payment.outbox_pruned)
              GROUP BY p.id
              HAVING told_captured <> (p.captured_at IS NOT NULL)
                  OR told_refunded <> (SELECT count(*) FROM payment.refund r
                                  WHERE r.order_id = p.order_id AND r.state = 'SUCCEEDED')",
    },
    Question {
        invariant: "X1",
        sentence: "each order has told of its refunds exactly what has become of them",
        scope: Scope::AnyMoment,
        sql: "WITH
                told AS (SELECT aggregate_id AS order_id, sum(event_type = 'bojagi.order.v1.RefundRequested') AS requested,
                            sum(event_type = 'bojagi.order.v1.RefundApproved') AS approved,
                            sum(event_type = 'bojagi.order.v1.RefundRejected') AS rejected,
                            sum(event_type = 'bojagi.order.v1.RefundWithdrawn') AS withdrawn
                         FROM ordering.outbox WHERE event_type LIKE 'bojagi.order.v1.Refund%' GROUP BY aggregate_id),
                kept AS (SELECT order_id, count(*) AS requested, sum(state = 'APPROVED') AS approved,
                            sum(state = 'REJECTED') AS rejected, sum(state = 'WITHDRAWN') AS withdrawn
                         FROM order_refund GROUP BY order_id)
              SELECT o.order_id, k.requested, t.requested, k.approved, t.approved, k.rejected, t.rejected, k.withdrawn, t.withdrawn
              FROM ordering.orders o LEFT JOIN kept k USING (order_id) LEFT JOIN told t USING (order_id)
              WHERE o.order_id NOT IN (SELECT aggregate_id FROM ordering.outbox_pruned)
                AND (coalesce(k.requested, 0) <> coalesce(t.requested, 0) OR coalesce(k.approved, 0) <> coalesce(t.approved, 0)
                 OR coalesce(k.rejected, 0) <> coalesce(t.rejected, 0)
                 OR coalesce(k.withdrawn, 0) <> coalesce(t.withdrawn, 0))",
    },
    Question {
        invariant: "X1",
        sentence: "the facts of an aggregate are numbered from 1, or from where it was pruned, without gaps",
        scope: Scope::AnyMoment,
        sql: concat!(
            "SELECT teller, aggregate_id, min(sequence), max(sequence), count(*), last FROM ",
            outboxes!(),
            " LEFT JOIN ",
            pruned!(),
            " USING (teller, aggregate_id) GROUP BY teller, aggregate_id
              HAVING min(sequence) <> 1 + coalesce(last, 0) OR max(sequence) - min(sequence) + 1 <> count(*)"
        ),
    },
    Question {
        invariant: "X1",
        sentence: "each fact was heard by each group that reacts to it, and nothing is set aside",
        scope: Scope::AtRest,
        sql: concat!(
            "SELECT h.hearer, f.event_type, f.event_id, f.sequence FROM ",
            outboxes!(),
            " f JOIN ",
            heard_by!(),
            " h ON h.fact = f.event_type LEFT JOIN ",
            inboxes!(),
            " i ON i.consumer = h.hearer AND i.event_id = f.event_id
              WHERE i.event_id IS NULL AND f.told_at > ",
            six_days_ago!(),
            " UNION ALL SELECT consumer, event_type, event_id, sequence FROM item.set_aside
              UNION ALL SELECT consumer, event_type, event_id, sequence FROM coupon.set_aside
              UNION ALL SELECT consumer, event_type, event_id, sequence FROM ordering.set_aside
              UNION ALL SELECT consumer, event_type, event_id, sequence FROM payment.set_aside
              UNION ALL SELECT consumer, event_type, event_id, sequence FROM settlement.set_aside"
        ),
    },
    Question {
        invariant: "X1",
        sentence: "where facts go to a broker, none is left behind",
        scope: Scope::AtRest,
        sql: concat!(
            unpublished_in!("item"),
            " UNION ALL ",
            unpublished_in!("coupon"),
            " UNION ALL ",
            unpublished_in!("ordering"),
            " UNION ALL ",
            unpublished_in!("payment"),
            " UNION ALL ",
            unpublished_in!("settlement"),
            " UNION ALL ",
            unpublished_in!("users")
        ),
    },
    Question {
        invariant: "X2",
        sentence: "an order has one kept answer to the request that placed it, for a week, and an answer has its order",
        scope: Scope::AnyMoment,
        sql: concat!(
            "WITH parts (order_id, orders, answers, placed_at) AS (
                    SELECT order_id, 1, 0, created_at FROM ordering.orders
                    UNION ALL
                    SELECT unhex(replace(CAST(answer AS TEXT), '-', '')), 0, 1, 0 FROM ordering.idempotency
                    WHERE method IN ('PlaceOrder', 'CheckOutCart', 'ConfirmDraft'))
              SELECT order_id, sum(orders), sum(answers) FROM parts GROUP BY order_id
              HAVING sum(orders) <> 1 OR sum(answers) > 1 OR (sum(answers) = 0 AND max(placed_at) > ",
            six_days_ago!(),
            ")"
        ),
    },
    Question {
        invariant: "X2",
        sentence: "that an order was placed is told once",
        scope: Scope::AnyMoment,
        sql: "SELECT aggregate_id, count(*) FROM ordering.outbox WHERE event_type = 'bojagi.order.v1.OrderPlaced'
              GROUP BY aggregate_id HAVING count(*) > 1",
    },
    Question {
        invariant: "X3",
        sentence: "no group has heard further than what was told",
        scope: Scope::AtRest,
        sql: concat!(
            "SELECT h.consumer, topic, aggregate_id, h.last, t.last FROM ",
            heard_to!(),
            " h LEFT JOIN ",
            told_to!(),
            " t USING (topic, aggregate_id) WHERE t.last IS NULL OR h.last > t.last"
        ),
    },
];
