//! The tables.

use bojagi_store::Migration;

/// Accounts, what proves them, where they live, and what is told about them.
pub(crate) const MIGRATION: Migration = Migration::expand(
    "user-1",
    "
    -- email is null once the account is closed.
    -- token_time, in microseconds, is at or after the issue of every token of the account, and steps past all of them when
    -- they are voided: a clock of the account that never stands still over a revocation.
    CREATE TABLE account (
        account_id UUID PRIMARY KEY,
        email TEXT,
        password_hash TEXT NOT NULL,
        name TEXT NOT NULL,
        phone TEXT NOT NULL,
        search_text TEXT NOT NULL,
        kind TEXT NOT NULL,
        is_admin BOOLEAN NOT NULL,
        state TEXT NOT NULL,
        state_before_suspension TEXT,
        suspension_reason TEXT NOT NULL,
        address_count BIGINT NOT NULL CONSTRAINT account_address_count_not_negative CHECK (address_count >= 0),
        token_time BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        active_since TIMESTAMPTZ,
        last_used_at TIMESTAMPTZ,
        CONSTRAINT account_email_until_closed CHECK ((email IS NULL) = (state = 'CLOSED'))
    );
    CREATE UNIQUE INDEX account_email_key ON account (email);
    CREATE INDEX account_newest ON account (created_at, account_id);
    CREATE INDEX account_unused ON account (last_used_at) WHERE state = 'ACTIVE';

    -- A one-time link from a mail; only the hash of its token is here. A link that answers a sign-up carries the password
    -- of that sign-up.
    CREATE TABLE link (
        token_hash BYTEA PRIMARY KEY,
        account_id UUID NOT NULL,
        purpose TEXT NOT NULL,
        password_hash TEXT,
        expires_at TIMESTAMPTZ NOT NULL
    );
    CREATE INDEX link_account ON link (account_id, purpose);
    CREATE INDEX link_expires_at ON link (expires_at);

    CREATE TABLE session (
        session_id UUID PRIMARY KEY,
        account_id UUID NOT NULL,
        device_name TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        last_used_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        ended_at TIMESTAMPTZ
    );
    CREATE INDEX session_last_used ON session (account_id, last_used_at, session_id);
    CREATE INDEX session_expires_at ON session (expires_at);

    -- Every token of a session until it expires, so that the use of a superseded one is noticed.
    CREATE TABLE refresh_token (
        token_hash BYTEA PRIMARY KEY,
        session_id UUID NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        superseded_at TIMESTAMPTZ
    );
    CREATE INDEX refresh_token_expires_at ON refresh_token (expires_at);

    -- Either a session, or an account and a moment.
    CREATE TABLE revocation (
        position BIGINT PRIMARY KEY,
        session_id UUID,
        account_id UUID,
        issued_before BIGINT,
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT revocation_of_one CHECK ((session_id IS NULL) = (account_id IS NOT NULL AND issued_before IS NOT NULL))
    );
    CREATE INDEX revocation_expires_at ON revocation (expires_at);

    -- One row; taking the next position locks it, so that positions are visible in their order.
    CREATE TABLE revocation_counter (only_row BIGINT PRIMARY KEY, last BIGINT NOT NULL);
    INSERT INTO revocation_counter (only_row, last) VALUES (1, 0);

    -- seed is the private part; it is erased when the key rests.
    CREATE TABLE signing_key (
        generation BIGINT PRIMARY KEY,
        kid TEXT NOT NULL,
        seed BYTEA,
        public_key BYTEA NOT NULL,
        signs_from TIMESTAMPTZ NOT NULL
    );

    CREATE TABLE address (
        address_id UUID PRIMARY KEY,
        account_id UUID NOT NULL,
        label TEXT NOT NULL,
        recipient_name TEXT NOT NULL,
        phone TEXT NOT NULL,
        postal_code TEXT NOT NULL,
        line1 TEXT NOT NULL,
        line2 TEXT NOT NULL,
        is_default BOOLEAN NOT NULL,
        created_at TIMESTAMPTZ NOT NULL
    );
    CREATE UNIQUE INDEX address_default_key ON address (account_id) WHERE is_default;
    CREATE INDEX address_listed ON address (account_id, is_default, created_at, address_id);

    -- Mails on their way. subject and body are null until the mail is written; the row goes when it has left.
    CREATE TABLE mail (
        mail_id UUID PRIMARY KEY,
        recipient TEXT NOT NULL,
        occasion TEXT NOT NULL,
        subject TEXT,
        body TEXT,
        queued_at TIMESTAMPTZ NOT NULL,
        attempts BIGINT NOT NULL,
        next_attempt_at TIMESTAMPTZ NOT NULL
    );
    CREATE INDEX mail_due ON mail (next_attempt_at, queued_at);

    CREATE TABLE job (
        name TEXT PRIMARY KEY,
        done_for TIMESTAMPTZ NOT NULL
    );
    ",
);

/// The sessions of an account without those that have ended. `session_last_used` stays beside it, although each sign-in writes
/// both: it alone leads to the sessions that have ended, whose device names go when an account is closed.
pub(crate) const LIVE_SESSIONS: Migration = Migration::expand(
    "user-2",
    "CREATE INDEX session_live ON session (account_id, last_used_at, session_id) WHERE ended_at IS NULL",
);

/// A link carries no password: one that does is to be asked for anew, and its mail does not leave. The password of an account
/// that was not verified was that of whoever signed its address up last, owner or not: a reset sets one. Sign-ups of an address
/// are counted from here on. The mail of an earlier link is found by whom it goes to.
pub(crate) const PLAIN_LINKS: Migration = Migration::expand(
    "user-3",
    "
    DELETE FROM mail WHERE subject = 'Verify your address' AND recipient IN
        (SELECT a.email FROM link l JOIN account a ON a.account_id = l.account_id WHERE l.password_hash IS NOT NULL);
    DELETE FROM link WHERE password_hash IS NOT NULL;
    UPDATE account SET password_hash = ''
        WHERE state = 'UNVERIFIED' OR (state = 'SUSPENDED' AND state_before_suspension = 'UNVERIFIED');
    ALTER TABLE account ADD COLUMN sign_ups BIGINT NOT NULL DEFAULT 0;
    CREATE INDEX mail_written ON mail (recipient, subject);
    ",
);

#[cfg(test)]
mod tests;
