//! The tables.

use bojagi_store::Migration;

/// Orders with their lines, parcels, history and saga, and the accounts that may not order.
///
/// Ids are UUIDv7 and sort by age, so lists walk along them. `wake_at` is when an order is driven next by whoever comes
/// first: the end of the lease of its driver, or its next attempt.
pub(crate) const MIGRATION: Migration = Migration::expand(
    "order-1",
    "
    CREATE TABLE orders (
        order_id UUID PRIMARY KEY,
        customer_id UUID NOT NULL,
        state TEXT NOT NULL,
        version BIGINT NOT NULL,
        currency TEXT NOT NULL,
        gross BIGINT NOT NULL,
        discount BIGINT NOT NULL,
        points BIGINT NOT NULL,
        payment_method_id UUID,
        order_coupon_id UUID,
        quote_hash TEXT NOT NULL,
        recipient TEXT NOT NULL,
        phone TEXT NOT NULL,
        postal_code TEXT NOT NULL,
        address_line1 TEXT NOT NULL,
        address_line2 TEXT NOT NULL,
        cancel_reason TEXT,
        failure_reason TEXT,
        failure_domain TEXT,
        failure_message TEXT,
        failure_metadata TEXT,
        traceparent TEXT,
        changes BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        confirmed_at TIMESTAMPTZ,
        ended_at TIMESTAMPTZ,
        captured_at TIMESTAMPTZ,
        refunded BIGINT NOT NULL,
        refunded_at TIMESTAMPTZ,
        money_back BOOLEAN NOT NULL,
        stock_back BOOLEAN NOT NULL,
        coupons_back BOOLEAN NOT NULL,
        saga_state TEXT NOT NULL,
        direction TEXT NOT NULL,
        payment TEXT NOT NULL,
        failed_attempts BIGINT NOT NULL,
        parked_reason TEXT,
        operator_reason TEXT,
        lease_owner UUID,
        lease_epoch BIGINT NOT NULL,
        wake_at TIMESTAMPTZ,
        deadline TIMESTAMPTZ NOT NULL,
        CONSTRAINT orders_tender_pays_the_net CHECK (points >= 0 AND discount >= 0 AND points + discount <= gross),
        CONSTRAINT orders_refunded_at_most_the_net CHECK (refunded >= 0 AND refunded <= gross - discount)
    );
    CREATE INDEX orders_of_customer ON orders (customer_id, order_id);
    CREATE INDEX orders_due ON orders (wake_at) WHERE wake_at IS NOT NULL;
    CREATE INDEX orders_with_open_saga ON orders (saga_state, order_id) WHERE saga_state <> 'DONE';

    CREATE TABLE order_line (
        order_id UUID NOT NULL,
        line_number BIGINT NOT NULL,
        order_line_id UUID NOT NULL,
        option_id UUID NOT NULL,
        quantity BIGINT NOT NULL,
        unit_price BIGINT NOT NULL,
        first_coupon_id UUID,
        second_coupon_id UUID,
        item_id UUID,
        store_id UUID,
        seller_id UUID,
        option_name TEXT,
        item_name TEXT,
        store_name TEXT,
        item_discount BIGINT NOT NULL,
        order_discount BIGINT NOT NULL,
        platform_discount BIGINT NOT NULL,
        seller_discount BIGINT NOT NULL,
        PRIMARY KEY (order_id, line_number),
        CONSTRAINT order_line_quantity_positive CHECK (quantity > 0),
        CONSTRAINT order_line_discount_is_paid_for
            CHECK (item_discount + order_discount = platform_discount + seller_discount)
    ) WITHOUT ROWID;

    CREATE TABLE delivery (
        delivery_id UUID PRIMARY KEY,
        order_id UUID NOT NULL,
        store_id UUID NOT NULL,
        seller_id UUID NOT NULL,
        customer_id UUID NOT NULL,
        state TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        begun_at TIMESTAMPTZ,
        completed_at TIMESTAMPTZ,
        cancelled_at TIMESTAMPTZ
    );
    CREATE UNIQUE INDEX delivery_one_a_store ON delivery (order_id, store_id);
    CREATE INDEX delivery_of_seller ON delivery (seller_id, order_id, delivery_id);
    CREATE INDEX delivery_of_customer ON delivery (customer_id, order_id, delivery_id);

    CREATE TABLE order_history (
        order_id UUID NOT NULL,
        sequence BIGINT NOT NULL,
        state TEXT NOT NULL,
        occurred_at TIMESTAMPTZ NOT NULL,
        cause TEXT NOT NULL,
        trace_id TEXT NOT NULL,
        PRIMARY KEY (order_id, sequence)
    ) WITHOUT ROWID;

    CREATE TABLE saga_step (
        order_id UUID NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        last_error TEXT NOT NULL,
        started_at TIMESTAMPTZ NOT NULL,
        finished_at TIMESTAMPTZ,
        PRIMARY KEY (order_id, kind)
    ) WITHOUT ROWID;

    CREATE TABLE blocked_account (
        account_id UUID PRIMARY KEY,
        closed BOOLEAN NOT NULL,
        since TIMESTAMPTZ NOT NULL
    ) WITHOUT ROWID;
    ",
);

/// What goes along with the trace of an order, besides its ids. A program of the version before places orders without it.
pub(crate) const TRACESTATE: Migration = Migration::expand("order-2", "ALTER TABLE orders ADD COLUMN tracestate TEXT");

/// Refusals are counted apart from attempts that got no answer. A program of the version before counts both as attempts.
pub(crate) const REFUSALS: Migration =
    Migration::expand("order-3", "ALTER TABLE orders ADD COLUMN refusals BIGINT NOT NULL DEFAULT 0");

/// A seller's parcels that are still to be sent are few among all that ever were.
pub(crate) const PARCELS_IN_STATE: Migration = Migration::expand(
    "order-4",
    "CREATE INDEX delivery_of_seller_in_state ON delivery (seller_id, state, order_id, delivery_id)",
);

/// Parked orders that are due do not lie in the way to those that are not parked. A process of the version before finds what is
/// due by this index, too: it holds nothing but orders under way.
pub(crate) const DUE_IN_STATE: Migration = Migration::expand(
    "order-5",
    "CREATE INDEX orders_due_in_state ON orders (saga_state, wake_at) WHERE wake_at IS NOT NULL;
     DROP INDEX orders_due;",
);

/// The version before parked for good what got no answer: it is due once more, and whoever refuses again is parked for good
/// again. Only a refund that its provider refused stays as it is, because asking again would move money that the operator
/// may be giving back by hand.
pub(crate) const UNANSWERED: Migration = Migration::expand(
    "order-6",
    "UPDATE orders SET wake_at = updated_at, version = version + 1
     WHERE saga_state <> 'DONE' AND saga_state = 'PARKED' AND wake_at IS NULL
        AND (state = 'PENDING' OR state = 'CANCELLING' AND NOT money_back AND parked_reason NOT LIKE 'REFUND_FAILED:%')",
);
