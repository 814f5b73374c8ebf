//! The schema. The named checks hold what no race may break: wallets never below 0, and
//! 0 <= refunded + refunding <= captured <= authorized for each payment.

use bojagi_store::Migration;

pub(crate) const MIGRATION: Migration = Migration::expand(
    "payment-1",
    "
    CREATE TABLE payment (
        id UUID PRIMARY KEY,
        order_id UUID NOT NULL,
        customer_id UUID,
        state TEXT NOT NULL,
        currency TEXT NOT NULL,
        total BIGINT NOT NULL,
        points BIGINT NOT NULL,
        external BIGINT NOT NULL,
        authorized BIGINT NOT NULL,
        captured BIGINT NOT NULL,
        refunding BIGINT NOT NULL,
        refunded BIGINT NOT NULL,
        refunding_external BIGINT NOT NULL,
        refunded_external BIGINT NOT NULL,
        decline_reason TEXT,
        provider_token TEXT,
        method_type TEXT,
        method_issuer TEXT,
        method_last_four TEXT,
        under_way TEXT,
        asked_at TIMESTAMPTZ,
        allocations BYTEA,
        created_at TIMESTAMPTZ NOT NULL,
        authorized_at TIMESTAMPTZ,
        captured_at TIMESTAMPTZ,
        updated_at TIMESTAMPTZ NOT NULL,
        version BIGINT NOT NULL,
        CONSTRAINT payment_legs_add_up CHECK (total = points + external AND points >= 0 AND external >= 0),
        CONSTRAINT payment_refunds_not_negative CHECK (refunding >= 0 AND refunded >= 0),
        CONSTRAINT payment_refunds_within_capture CHECK (refunded + refunding <= captured),
        CONSTRAINT payment_capture_within_authorization CHECK (captured <= authorized AND authorized <= total),
        CONSTRAINT payment_external_refunds_within_leg CHECK (refunding_external >= 0 AND refunded_external >= 0
            AND refunding_external <= refunding AND refunded_external <= refunded
            AND refunded_external + refunding_external <= external),
        CONSTRAINT payment_asked_while_under_way CHECK ((under_way IS NULL) = (asked_at IS NULL))
    );
    CREATE UNIQUE INDEX payment_order_key ON payment (order_id);
    CREATE INDEX payment_customer ON payment (customer_id, id);
    CREATE INDEX payment_asked_at ON payment (asked_at) WHERE asked_at IS NOT NULL;

    CREATE TABLE refund (
        id UUID PRIMARY KEY,
        order_id UUID NOT NULL,
        state TEXT NOT NULL,
        currency TEXT NOT NULL,
        amount BIGINT NOT NULL,
        points BIGINT NOT NULL,
        external BIGINT NOT NULL,
        reason TEXT NOT NULL,
        allocations BYTEA NOT NULL,
        attempt BIGINT NOT NULL,
        asked_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        refunded_at TIMESTAMPTZ,
        CONSTRAINT refund_legs_add_up CHECK (amount = points + external AND points >= 0 AND external >= 0)
    );
    CREATE INDEX refund_order ON refund (order_id, created_at);
    CREATE INDEX refund_asked_at ON refund (asked_at) WHERE asked_at IS NOT NULL;

    CREATE TABLE wallet (
        account_id UUID PRIMARY KEY,
        available BIGINT NOT NULL,
        held BIGINT NOT NULL,
        CONSTRAINT wallet_available_not_negative CHECK (available >= 0),
        CONSTRAINT wallet_held_not_negative CHECK (held >= 0)
    ) WITHOUT ROWID;

    CREATE TABLE wallet_entry (
        id UUID PRIMARY KEY,
        account_id UUID NOT NULL,
        kind TEXT NOT NULL,
        amount BIGINT NOT NULL,
        balance_after BIGINT NOT NULL,
        order_id UUID,
        charge_id UUID,
        created_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT wallet_entry_moves_something CHECK (amount > 0)
    );
    CREATE INDEX wallet_entry_account ON wallet_entry (account_id, id);

    CREATE TABLE points_charge (
        id UUID PRIMARY KEY,
        account_id UUID NOT NULL,
        request_id UUID NOT NULL,
        fingerprint BYTEA NOT NULL,
        state TEXT NOT NULL,
        currency TEXT NOT NULL,
        amount BIGINT NOT NULL,
        decline_reason TEXT,
        provider_token TEXT NOT NULL,
        method_type TEXT NOT NULL,
        method_issuer TEXT NOT NULL,
        method_last_four TEXT NOT NULL,
        provider_reference TEXT,
        asked_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        completed_at TIMESTAMPTZ,
        CONSTRAINT points_charge_positive CHECK (amount > 0)
    );
    CREATE UNIQUE INDEX points_charge_request_key ON points_charge (account_id, request_id);
    CREATE INDEX points_charge_asked_at ON points_charge (asked_at) WHERE asked_at IS NOT NULL;

    CREATE TABLE payment_method (
        id UUID PRIMARY KEY,
        account_id UUID NOT NULL,
        provider_token TEXT NOT NULL,
        method_type TEXT NOT NULL,
        method_issuer TEXT NOT NULL,
        method_last_four TEXT NOT NULL,
        is_default BOOLEAN NOT NULL,
        created_at TIMESTAMPTZ NOT NULL
    );
    CREATE UNIQUE INDEX payment_method_token_key ON payment_method (account_id, provider_token);
    CREATE UNIQUE INDEX payment_method_default_key ON payment_method (account_id) WHERE is_default;
    ",
);

/// What is still open is little among all that ever was paid, and the totals are made of a few columns of it.
pub(crate) const OPEN_AND_TOTALS: Migration = Migration::expand(
    "payment-2",
    "
    CREATE INDEX payment_open ON payment (id) WHERE state IN ('PENDING', 'UNRESOLVED');
    CREATE INDEX payment_captured ON payment (captured_at, currency, captured) WHERE captured_at IS NOT NULL;
    CREATE INDEX refund_refunded ON refund (refunded_at, currency, amount) WHERE refunded_at IS NOT NULL;
    ",
);

/// Accounts that are closed for good, so that none of them is given a method any more.
pub(crate) const CLOSED_ACCOUNTS: Migration = Migration::expand(
    "payment-3",
    "
    CREATE TABLE closed_account (
        account_id UUID PRIMARY KEY,
        closed_at TIMESTAMPTZ NOT NULL
    ) WITHOUT ROWID;
    ",
);
