//! The tables.

use bojagi_store::Migration;

/// Coupons, their pieces, what orders take, and the replica of prices. The checks repeat what the statements see to
/// already: a defect may refuse a customer, but it may not give a piece too many away.
pub(crate) const MIGRATION: Migration = Migration::expand(
    "coupon-1",
    "
    CREATE TABLE coupon (
        coupon_id UUID PRIMARY KEY,
        scope TEXT NOT NULL,
        currency TEXT,
        fixed_minor BIGINT,
        rate_bps BIGINT,
        cap_minor BIGINT,
        minimum_minor BIGINT,
        seller_share_bps BIGINT NOT NULL,
        name TEXT NOT NULL,
        valid_from TIMESTAMPTZ,
        valid_until TIMESTAMPTZ,
        issued_valid_days BIGINT NOT NULL,
        issue_from TIMESTAMPTZ,
        issue_until TIMESTAMPTZ,
        issue_limit BIGINT,
        state TEXT NOT NULL,
        issued_count BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT coupon_one_benefit CHECK ((fixed_minor IS NULL) <> (rate_bps IS NULL)),
        CONSTRAINT coupon_issued_within_limit CHECK (issue_limit IS NULL OR issued_count <= issue_limit)
    );
    CREATE INDEX coupon_newest ON coupon (created_at, coupon_id);

    CREATE TABLE issued_coupon (
        issued_coupon_id UUID PRIMARY KEY,
        coupon_id UUID NOT NULL REFERENCES coupon (coupon_id),
        customer_id UUID NOT NULL,
        state TEXT NOT NULL,
        issued_at TIMESTAMPTZ NOT NULL,
        valid_from TIMESTAMPTZ,
        expires_at TIMESTAMPTZ NOT NULL,
        order_id UUID,
        used_at TIMESTAMPTZ,
        CONSTRAINT issued_coupon_order_while_taken CHECK ((order_id IS NOT NULL) = (state IN ('RESERVED', 'USED'))),
        CONSTRAINT issued_coupon_used_at_while_used CHECK ((used_at IS NOT NULL) = (state = 'USED'))
    );
    CREATE UNIQUE INDEX issued_coupon_one_each ON issued_coupon (coupon_id, customer_id);
    CREATE INDEX issued_coupon_of_customer ON issued_coupon (customer_id, issued_at, issued_coupon_id);
    CREATE INDEX issued_coupon_to_expire ON issued_coupon (expires_at) WHERE state = 'AVAILABLE';

    CREATE TABLE redemption_order (
        order_id UUID PRIMARY KEY,
        customer_id UUID,
        state TEXT NOT NULL,
        fingerprint BYTEA,
        quote_hash TEXT NOT NULL,
        currency TEXT,
        consumed_count BIGINT NOT NULL,
        asked_at TIMESTAMPTZ,
        ended_at TIMESTAMPTZ
    ) WITHOUT ROWID;

    CREATE TABLE redemption_coupon (
        order_id UUID NOT NULL REFERENCES redemption_order (order_id),
        issued_coupon_id UUID NOT NULL REFERENCES issued_coupon (issued_coupon_id),
        coupon_id UUID NOT NULL,
        discount_minor BIGINT NOT NULL,
        PRIMARY KEY (order_id, issued_coupon_id),
        CONSTRAINT redemption_coupon_takes_something CHECK (discount_minor > 0)
    ) WITHOUT ROWID;

    CREATE TABLE redemption_line (
        order_id UUID NOT NULL REFERENCES redemption_order (order_id),
        order_line_id UUID NOT NULL,
        item_discount BIGINT NOT NULL,
        order_discount BIGINT NOT NULL,
        platform_discount BIGINT NOT NULL,
        seller_discount BIGINT NOT NULL,
        PRIMARY KEY (order_id, order_line_id),
        CONSTRAINT redemption_line_is_funded
            CHECK (item_discount + order_discount = platform_discount + seller_discount)
    ) WITHOUT ROWID;

    CREATE TABLE option_price (
        option_id UUID PRIMARY KEY,
        item_id UUID NOT NULL,
        currency TEXT NOT NULL,
        price_minor BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX option_price_of_item ON option_price (item_id);
    ",
);
