//! The tables of hearts and follows.

use bojagi_store::Migration;

/// How many hearts an item has. The counters are columns of what they count for, because an index can sort by them only there, within
/// a category or a store too. To add one locks its table, even against reading, while the rows that are there are checked: about a second
/// for a million. So each is a step of its own.
pub(crate) const HEARTS_OF_ITEMS: Migration = Migration::expand(
    "item-favours-1",
    "
    ALTER TABLE item ADD COLUMN hearts BIGINT NOT NULL DEFAULT 0
        CONSTRAINT item_hearts_not_negative CHECK (hearts >= 0);
    ",
);

/// How many customers follow a store.
pub(crate) const FOLLOWERS_OF_STORES: Migration = Migration::expand(
    "item-favours-2",
    "
    ALTER TABLE store ADD COLUMN followers BIGINT NOT NULL DEFAULT 0
        CONSTRAINT store_followers_not_negative CHECK (followers >= 0);
    ",
);

/// Hearts and follows: a row for each customer and thing.
///
/// * The counter of what is deleted says whether rows of it are left to take back, also when a process of an earlier version, which knows
///   none of this, has deleted it.
/// * A row of `closed_customer` is kept for ever: it keeps out what comes after the account was closed. `cleared` is whether what the
///   customer had given is taken back.
pub(crate) const HEARTS: Migration = Migration::expand(
    "item-hearts-1",
    "
    CREATE INDEX store_by_followers ON store (followers, store_id) WHERE deleted_at IS NULL;
    CREATE INDEX store_followed_to_the_end ON store (store_id) WHERE deleted_at IS NOT NULL AND followers > 0;

    CREATE TABLE follow (
        store_id UUID NOT NULL REFERENCES store (store_id),
        customer_id UUID NOT NULL,
        given_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (store_id, customer_id)
    ) WITHOUT ROWID;
    CREATE INDEX follow_of_customer ON follow (customer_id, given_at, store_id);

    CREATE INDEX item_by_hearts ON item (hearts, item_id) WHERE deleted_at IS NULL;
    CREATE INDEX item_of_store_by_hearts ON item (store_id, hearts, item_id) WHERE deleted_at IS NULL;
    CREATE INDEX item_of_category_by_hearts ON item (category_id, hearts, item_id);
    CREATE INDEX item_hearted_to_the_end ON item (item_id) WHERE deleted_at IS NOT NULL AND hearts > 0;

    CREATE TABLE heart (
        item_id UUID NOT NULL REFERENCES item (item_id),
        customer_id UUID NOT NULL,
        given_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (item_id, customer_id)
    ) WITHOUT ROWID;
    CREATE INDEX heart_of_customer ON heart (customer_id, given_at, item_id);

    CREATE TABLE closed_customer (
        customer_id UUID PRIMARY KEY,
        closed_at TIMESTAMPTZ NOT NULL,
        cleared BOOLEAN NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX closed_customer_to_clear ON closed_customer (closed_at) WHERE NOT cleared;
    ",
);
