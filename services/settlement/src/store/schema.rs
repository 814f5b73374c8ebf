//! The tables of settlement. `ledger_transaction` and `ledger_posting` are only ever added to.

use bojagi_store::Migration;

/// The first step of the schema.
pub(crate) const SCHEMA: Migration = Migration::expand(
    "settlement-1",
    "
    CREATE TABLE ledger_account (
        id UUID PRIMARY KEY,
        kind TEXT NOT NULL,
        seller_id UUID
    ) WITHOUT ROWID;

    CREATE TABLE ledger_transaction (
        id UUID PRIMARY KEY,
        kind TEXT NOT NULL,
        source_id UUID NOT NULL,
        order_id UUID,
        booked_at TIMESTAMPTZ NOT NULL,
        trace_id TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX ledger_transaction_source_key ON ledger_transaction (source_id, kind);
    CREATE INDEX ledger_transaction_booked ON ledger_transaction (booked_at, id);
    CREATE INDEX ledger_transaction_order ON ledger_transaction (order_id) WHERE order_id IS NOT NULL;

    -- Debits are above 0, credits below: the sum over all rows of a currency is 0.
    CREATE TABLE ledger_posting (
        transaction_id UUID NOT NULL REFERENCES ledger_transaction (id),
        position BIGINT NOT NULL,
        account_id UUID NOT NULL REFERENCES ledger_account (id),
        currency TEXT NOT NULL,
        amount BIGINT NOT NULL,
        booked_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (transaction_id, position),
        CONSTRAINT ledger_posting_moves_something CHECK (amount <> 0)
    ) WITHOUT ROWID;
    CREATE INDEX ledger_posting_account ON ledger_posting (account_id, booked_at);

    CREATE TABLE statement_entry (
        id UUID PRIMARY KEY,
        kind TEXT NOT NULL,
        payment_id UUID NOT NULL,
        source_id UUID NOT NULL,
        order_id UUID NOT NULL,
        order_line_id UUID NOT NULL,
        store_id UUID NOT NULL,
        option_id UUID NOT NULL,
        seller_id UUID NOT NULL,
        quantity BIGINT NOT NULL,
        currency TEXT NOT NULL,
        gross BIGINT NOT NULL,
        seller_discount BIGINT NOT NULL,
        platform_subsidy BIGINT NOT NULL,
        commission BIGINT NOT NULL,
        net BIGINT NOT NULL,
        rate_bps BIGINT NOT NULL,
        booked_at TIMESTAMPTZ NOT NULL,
        statement_id UUID,
        CONSTRAINT statement_entry_adds_up CHECK (net = gross - seller_discount - commission)
    );
    CREATE UNIQUE INDEX statement_entry_line_key ON statement_entry (payment_id, order_line_id, source_id);
    CREATE INDEX statement_entry_unstated ON statement_entry (seller_id, currency, booked_at)
        WHERE statement_id IS NULL;
    CREATE INDEX statement_entry_stated ON statement_entry (statement_id, booked_at, id)
        WHERE statement_id IS NOT NULL;

    CREATE TABLE commission_rate (
        id UUID PRIMARY KEY,
        seller_id UUID,
        rate_bps BIGINT NOT NULL,
        effective_from TIMESTAMPTZ NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        created_by UUID NOT NULL
    );
    CREATE UNIQUE INDEX commission_rate_seller_key ON commission_rate (seller_id, effective_from)
        WHERE seller_id IS NOT NULL;
    CREATE UNIQUE INDEX commission_rate_all_key ON commission_rate (effective_from) WHERE seller_id IS NULL;

    CREATE TABLE close_run (
        id UUID PRIMARY KEY,
        cut_off TIMESTAMPTZ NOT NULL,
        daily BOOLEAN NOT NULL,
        started_at TIMESTAMPTZ NOT NULL,
        finished_at TIMESTAMPTZ
    );

    CREATE TABLE statement (
        id UUID PRIMARY KEY,
        seller_id UUID NOT NULL,
        business_date TEXT NOT NULL,
        cut_off TIMESTAMPTZ NOT NULL,
        state TEXT NOT NULL,
        currency TEXT NOT NULL,
        gross BIGINT NOT NULL,
        refunds BIGINT NOT NULL,
        commission BIGINT NOT NULL,
        seller_discount BIGINT NOT NULL,
        platform_subsidy BIGINT NOT NULL,
        net BIGINT NOT NULL,
        capture_count BIGINT NOT NULL,
        refund_count BIGINT NOT NULL,
        close_id UUID NOT NULL REFERENCES close_run (id),
        settlement_id UUID,
        payout_id UUID,
        created_at TIMESTAMPTZ NOT NULL,
        settled_at TIMESTAMPTZ,
        CONSTRAINT statement_adds_up CHECK (net = gross - refunds - seller_discount - commission)
    );
    CREATE INDEX statement_newest ON statement (cut_off, id);
    CREATE INDEX statement_of_seller ON statement (seller_id, cut_off, id);
    CREATE INDEX statement_of_close ON statement (close_id);
    CREATE INDEX statement_of_settlement ON statement (settlement_id) WHERE settlement_id IS NOT NULL;

    -- Gives the settlements of a seller their order, one after the other.
    CREATE TABLE settlement_number (
        seller_id UUID PRIMARY KEY,
        last BIGINT NOT NULL
    );

    CREATE TABLE settlement (
        id UUID PRIMARY KEY,
        seller_id UUID NOT NULL,
        number BIGINT NOT NULL,
        currency TEXT NOT NULL,
        statements_net BIGINT NOT NULL,
        brought_forward BIGINT NOT NULL,
        carried_forward BIGINT NOT NULL,
        payout_id UUID,
        created_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT settlement_carries_what_is_missing CHECK (carried_forward <= 0)
    );
    CREATE UNIQUE INDEX settlement_number_key ON settlement (seller_id, currency, number);

    CREATE TABLE payout_account (
        seller_id UUID PRIMARY KEY,
        bank_token TEXT NOT NULL,
        bank_name TEXT NOT NULL,
        last_four TEXT NOT NULL,
        registered_at TIMESTAMPTZ NOT NULL
    );

    CREATE TABLE payout (
        id UUID PRIMARY KEY,
        seller_id UUID NOT NULL,
        settlement_id UUID NOT NULL,
        state TEXT NOT NULL,
        currency TEXT NOT NULL,
        amount BIGINT NOT NULL,
        bank_token TEXT NOT NULL,
        bank_name TEXT NOT NULL,
        last_four TEXT NOT NULL,
        failure_reason TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        sent_at TIMESTAMPTZ,
        paid_at TIMESTAMPTZ,
        ended_at TIMESTAMPTZ,
        attempts BIGINT NOT NULL,
        next_attempt_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT payout_pays_something CHECK (amount > 0)
    );
    CREATE INDEX payout_newest ON payout (created_at, id);
    CREATE INDEX payout_of_seller ON payout (seller_id, created_at, id);
    CREATE INDEX payout_due ON payout (next_attempt_at) WHERE state = 'PENDING';

    CREATE TABLE bank_event (
        id UUID PRIMARY KEY,
        payout_id UUID NOT NULL,
        word TEXT NOT NULL,
        reason TEXT NOT NULL,
        occurred_at TIMESTAMPTZ NOT NULL,
        received_at TIMESTAMPTZ NOT NULL,
        outcome TEXT NOT NULL
    );

    -- The memory of the simulated bank, which is a peer that only happens to live in the same process.
    CREATE TABLE simulated_bank_event (
        id UUID PRIMARY KEY,
        payout_id UUID NOT NULL,
        word TEXT NOT NULL,
        reason TEXT NOT NULL,
        due_at TIMESTAMPTZ NOT NULL,
        told BOOLEAN NOT NULL
    );
    CREATE UNIQUE INDEX simulated_bank_event_key ON simulated_bank_event (payout_id, word);
    CREATE INDEX simulated_bank_event_due ON simulated_bank_event (due_at) WHERE told = FALSE;
    ",
);

/// The commission that holds where none was set, as the settings had it, each from its moment on.
pub(crate) const DEFAULT_RATES: Migration = Migration::expand(
    "settlement-2",
    "CREATE TABLE default_commission_rate (
        effective_from TIMESTAMPTZ PRIMARY KEY,
        rate_bps BIGINT NOT NULL
    );",
);

/// By which a page of the whole ledger is found. Processes of the version before find it by `ledger_transaction_booked`, which a
/// later version may drop.
pub(crate) const NEWEST_POSTINGS: Migration = Migration::expand(
    "settlement-3",
    "CREATE INDEX ledger_posting_newest ON ledger_posting (booked_at, transaction_id, position);",
);
