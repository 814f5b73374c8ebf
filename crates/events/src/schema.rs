//! The tables that telling and hearing need in every store.

use bojagi_store::Migration;

/// Outbox, inbox, positions, and what was set aside.
pub const MIGRATION: Migration = Migration::expand(
    "events-1",
    "
    CREATE TABLE outbox (
        position INTEGER PRIMARY KEY,
        event_id UUID NOT NULL,
        event_type TEXT NOT NULL,
        aggregate_id UUID NOT NULL,
        sequence BIGINT NOT NULL,
        told_at TIMESTAMPTZ NOT NULL,
        traceparent TEXT,
        payload BYTEA NOT NULL
    );
    CREATE UNIQUE INDEX outbox_sequence_key ON outbox (aggregate_id, sequence);

    -- The last number of each aggregate that has lost facts to pruning.
    CREATE TABLE outbox_pruned (
        aggregate_id UUID PRIMARY KEY,
        last BIGINT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE inbox (
        consumer TEXT NOT NULL,
        event_id UUID NOT NULL,
        handled_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (consumer, event_id)
    ) WITHOUT ROWID;

    -- By topic too: two contexts may tell facts about the same aggregate, each with numbers of its own.
    CREATE TABLE inbox_sequence (
        consumer TEXT NOT NULL,
        topic TEXT NOT NULL,
        aggregate_id UUID NOT NULL,
        last BIGINT NOT NULL,
        PRIMARY KEY (consumer, topic, aggregate_id)
    ) WITHOUT ROWID;

    CREATE TABLE consumer_position (
        consumer TEXT NOT NULL,
        topic TEXT NOT NULL,
        position BIGINT NOT NULL,
        PRIMARY KEY (consumer, topic)
    ) WITHOUT ROWID;

    CREATE TABLE set_aside (
        consumer TEXT NOT NULL,
        event_id UUID NOT NULL,
        topic TEXT NOT NULL,
        event_type TEXT NOT NULL,
        aggregate_id UUID NOT NULL,
        sequence BIGINT NOT NULL,
        told_at TIMESTAMPTZ NOT NULL,
        traceparent TEXT,
        payload BYTEA NOT NULL,
        state TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        last_error TEXT NOT NULL,
        first_failed_at TIMESTAMPTZ NOT NULL,
        next_attempt_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (consumer, event_id)
    );
    CREATE UNIQUE INDEX set_aside_sequence_key ON set_aside (consumer, topic, aggregate_id, sequence);
    ",
);

/// What goes along with a trace, besides its ids. A program of the version before tells facts without it.
pub const TRACESTATE_MIGRATION: Migration = Migration::expand(
    "events-3",
    "
    ALTER TABLE outbox ADD COLUMN tracestate TEXT;
    ALTER TABLE set_aside ADD COLUMN tracestate TEXT;
    ",
);

/// Who publishes the outbox to a broker, one process at a time. Its position is that of the group
/// [`RELAY`](crate::RELAY) in `consumer_position`.
pub const RELAY_MIGRATION: Migration = Migration::expand(
    "events-2",
    "
    CREATE TABLE relay_lease (
        topic TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        held_until TIMESTAMPTZ NOT NULL
    );
    ",
);
