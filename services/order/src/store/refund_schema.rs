//! The tables of refunds.

use bojagi_store::Migration;

/// Refunds with their lines, and how many pieces of each line are asked back and given back.
///
/// * `refund_count` has a row for each line of which pieces were ever asked back. Its check is what keeps customers from asking
///   for more than they bought, however many ask at once.
/// * `refund_line` has amounts once its refund is approved; until then they are 0.
/// * `orders.refunds` counts the refunds that were ever asked for, so that orders without any are read without a look for them.
///   A program of the version before places orders without it, and takes no refunds.
pub(crate) const REFUNDS: Migration = Migration::expand(
    "order-refunds-1",
    "
    ALTER TABLE orders ADD COLUMN refunds BIGINT NOT NULL DEFAULT 0;

    CREATE TABLE refund (
        refund_id UUID PRIMARY KEY,
        order_id UUID NOT NULL,
        delivery_id UUID NOT NULL,
        store_id UUID NOT NULL,
        seller_id UUID NOT NULL,
        customer_id UUID NOT NULL,
        state TEXT NOT NULL,
        money TEXT NOT NULL,
        currency TEXT NOT NULL,
        amount BIGINT NOT NULL,
        restock BOOLEAN NOT NULL,
        requested_at TIMESTAMPTZ NOT NULL,
        decided_at TIMESTAMPTZ,
        refunded_at TIMESTAMPTZ,
        attempts BIGINT NOT NULL,
        failed_attempts BIGINT NOT NULL,
        refusals BIGINT NOT NULL,
        next_at TIMESTAMPTZ,
        reason TEXT NOT NULL,
        rejection TEXT,
        last_error TEXT NOT NULL,
        CONSTRAINT refund_money_is_owed_once_approved CHECK ((state = 'APPROVED') = (money <> 'NONE')),
        CONSTRAINT refund_has_a_time CHECK ((money = 'REFUNDED') = (refunded_at IS NOT NULL)),
        CONSTRAINT refund_amount_not_negative CHECK (amount >= 0)
    );
    CREATE INDEX refund_of_customer ON refund (customer_id, refund_id);
    CREATE INDEX refund_of_seller ON refund (seller_id, refund_id);
    CREATE INDEX refund_of_seller_in_state ON refund (seller_id, state, refund_id);
    CREATE INDEX refund_of_order ON refund (order_id, refund_id);
    CREATE INDEX refund_standing ON refund (order_id, refund_id) WHERE state IN ('REQUESTED', 'APPROVED');
    CREATE INDEX refund_owed ON refund (order_id) WHERE money IN ('REFUNDING', 'PARKED');
    CREATE INDEX refund_refunded ON refund (refunded_at, currency, amount) WHERE refunded_at IS NOT NULL;

    CREATE TABLE refund_line (
        refund_id UUID NOT NULL,
        line_number BIGINT NOT NULL,
        order_line_id UUID NOT NULL,
        quantity BIGINT NOT NULL,
        gross BIGINT NOT NULL,
        net BIGINT NOT NULL,
        platform_discount BIGINT NOT NULL,
        seller_discount BIGINT NOT NULL,
        PRIMARY KEY (refund_id, line_number),
        CONSTRAINT refund_line_quantity_positive CHECK (quantity > 0),
        CONSTRAINT refund_line_adds_up CHECK (gross = net + platform_discount + seller_discount
            AND net >= 0 AND platform_discount >= 0 AND seller_discount >= 0)
    ) WITHOUT ROWID;

    CREATE TABLE refund_count (
        order_line_id UUID PRIMARY KEY,
        bought BIGINT NOT NULL,
        asked BIGINT NOT NULL,
        approved BIGINT NOT NULL,
        CONSTRAINT refund_count_not_negative CHECK (asked >= 0 AND approved >= 0),
        CONSTRAINT refund_count_within_bought CHECK (asked + approved <= bought)
    ) WITHOUT ROWID;
    ",
);

/// Orders that are due for their refunds. Orders on their way, of which an outage leaves thousands waiting, do not lie in the way to them.
///
/// What tells them apart is `refunds`, which most orders never count up: those are never in the index, and it costs them nothing. An
/// index by `state` would cost each order when it is completed: a change of what an index goes by makes PostgreSQL write the row into
/// all indexes of the table.
///
/// `orders_due_in_state` stays. It leads to all other orders that are due, and a process of the version before finds those with refunds by
/// it, too. There these do lie in the way to the others, but they are few: as many as sellers approve while no money goes back. An index
/// without them would be two more writes of each order, when it is placed and when it is confirmed.
pub(crate) const DUE_FOR_REFUNDS: Migration = Migration::expand(
    "order-refunds-2",
    "CREATE INDEX orders_due_for_refunds ON orders (saga_state, wake_at) WHERE refunds > 0 AND wake_at IS NOT NULL",
);
