//! The tables of rankings.

use bojagi_store::Migration;

/// Rankings, and what they are computed from.
///
/// * `ranking` has one row a kind: for which moment it was last computed, and who is computing it. `epoch` counts those who
///   began, and what is written carries the epoch of its writer, so that one who was taken for dead changes nothing.
/// * `ranked_item` holds the places; `days` is over how many days they were counted, 0 for what trends.
/// * `hold_sold` finds what was sold in a span of time. It is all that ranking costs an order: an entry at the end of an index
///   when it is confirmed, and no statement (`sales.rs`).
pub(crate) const RANKINGS: Migration = Migration::expand(
    "item-ranking-1",
    "
    CREATE INDEX hold_sold ON hold (changed_at) WHERE state = 'SOLD';

    CREATE TABLE ranking (
        kind TEXT PRIMARY KEY,
        epoch BIGINT NOT NULL,
        claimed_until TIMESTAMPTZ,
        computed_for TIMESTAMPTZ,
        computed_at TIMESTAMPTZ,
        CONSTRAINT ranking_kind CHECK (kind IN ('POPULAR', 'TRENDING')),
        CONSTRAINT ranking_computed CHECK ((computed_for IS NULL) = (computed_at IS NULL))
    ) WITHOUT ROWID;
    INSERT INTO ranking (kind, epoch) VALUES ('POPULAR', 0), ('TRENDING', 0);

    CREATE TABLE ranked_item (
        kind TEXT NOT NULL,
        days BIGINT NOT NULL,
        place BIGINT NOT NULL,
        item_id UUID NOT NULL,
        figure BIGINT NOT NULL,
        PRIMARY KEY (kind, days, place)
    ) WITHOUT ROWID;
    ",
);

/// What was sold of each item lately, for searching: alone, in a category, and in a store. It is written when it is computed,
/// once a day, and nothing but the order of searches goes by it.
pub(crate) const RECENTLY_SOLD: Migration = Migration::expand(
    "item-ranking-2",
    "
    ALTER TABLE item ADD COLUMN recently_sold BIGINT NOT NULL DEFAULT 0;
    ",
);

/// What searches in the order POPULAR walk. Apart from the column, which locks its table even against reading.
pub(crate) const BY_RECENTLY_SOLD: Migration = Migration::expand(
    "item-ranking-3",
    "
    CREATE INDEX item_popular ON item (recently_sold, item_id) WHERE deleted_at IS NULL;
    CREATE INDEX item_of_category_popular ON item (category_id, recently_sold, item_id);
    CREATE INDEX item_of_store_popular ON item (store_id, recently_sold, item_id) WHERE deleted_at IS NULL;
    ",
);
