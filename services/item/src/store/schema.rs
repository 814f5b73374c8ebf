//! The tables.

use bojagi_store::Migration;

pub(crate) mod hearts;
pub(crate) mod ranking;
pub(crate) mod wishlist;

/// Stores, categories, items and options.
///
/// * `…_key` columns hold a text without its case, for uniqueness and for searching: the databases disagree about case
///   outside ASCII.
/// * Long texts are the last columns, so that reading the others of a row does not pass over them.
/// * `store.items_created` makes creating an item and deleting its store take turns: both write the store's row.
/// * A deleted item lets go of its category, so that the foreign key alone decides whether a category is in use.
pub(crate) const CATALOGUE: Migration = Migration::expand(
    "item-catalogue-1",
    "
    CREATE TABLE store (
        store_id UUID PRIMARY KEY,
        seller_id UUID NOT NULL,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        items_created BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        deleted_at TIMESTAMPTZ,
        description TEXT NOT NULL,
        description_key TEXT NOT NULL
    );
    CREATE UNIQUE INDEX store_name_key ON store (name_key) WHERE deleted_at IS NULL;
    CREATE INDEX store_newest ON store (created_at, store_id) WHERE deleted_at IS NULL;
    CREATE INDEX store_of_seller ON store (seller_id);

    CREATE TABLE category (
        category_id UUID PRIMARY KEY,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL
    );
    CREATE UNIQUE INDEX category_name_key ON category (name_key);

    CREATE TABLE item (
        item_id UUID PRIMARY KEY,
        store_id UUID NOT NULL REFERENCES store (store_id),
        seller_id UUID NOT NULL,
        category_id UUID REFERENCES category (category_id),
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        currency TEXT NOT NULL,
        lowest_price BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        deleted_at TIMESTAMPTZ,
        thumbnail_url TEXT NOT NULL,
        description TEXT NOT NULL,
        description_key TEXT NOT NULL,
        CONSTRAINT item_has_category CHECK (deleted_at IS NOT NULL OR category_id IS NOT NULL)
    );
    CREATE UNIQUE INDEX item_name_key ON item (store_id, name_key) WHERE deleted_at IS NULL;
    CREATE INDEX item_latest ON item (created_at, item_id) WHERE deleted_at IS NULL;
    CREATE INDEX item_by_price ON item (currency, lowest_price, item_id) WHERE deleted_at IS NULL;
    CREATE INDEX item_of_store ON item (store_id, created_at, item_id) WHERE deleted_at IS NULL;
    CREATE INDEX item_of_category ON item (category_id, created_at, item_id);
    CREATE INDEX item_of_category_by_price ON item (category_id, currency, lowest_price, item_id);

    CREATE TABLE item_option (
        option_id UUID PRIMARY KEY,
        item_id UUID NOT NULL REFERENCES item (item_id),
        position BIGINT NOT NULL,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        state TEXT NOT NULL,
        currency TEXT NOT NULL,
        price BIGINT NOT NULL,
        opens_at TIMESTAMPTZ,
        closes_at TIMESTAMPTZ,
        customer_limit BIGINT,
        CONSTRAINT item_option_state CHECK (state IN ('ACTIVE', 'RETIRED')),
        CONSTRAINT item_option_price_positive CHECK (price > 0),
        CONSTRAINT item_option_limit_positive CHECK (customer_limit > 0)
    );
    CREATE UNIQUE INDEX item_option_name_key ON item_option (item_id, name_key) WHERE state = 'ACTIVE';
    ",
);

/// Stock, and what orders hold of it.
///
/// * `hold` has one row for each order that ever asked or ended, kept for ever: it is what refuses an ask that comes
///   after the order's end, and a second end.
/// * `customer_taken` has rows exactly for options that have a customer limit; `taken` is the sum of the customer's
///   lines in holds that are reserved or sold, less what came back of them to the shelf.
/// * The hold's tables have no foreign keys: the conditional update of `stock` proves that the option exists, and each
///   key would cost the hottest unit of the shop a look-up a line.
pub(crate) const STOCK: Migration = Migration::expand(
    "item-stock-1",
    "
    CREATE TABLE stock (
        option_id UUID PRIMARY KEY REFERENCES item_option (option_id),
        available BIGINT NOT NULL,
        reserved BIGINT NOT NULL,
        sold BIGINT NOT NULL,
        put_in BIGINT NOT NULL,
        CONSTRAINT stock_available_not_negative CHECK (available >= 0),
        CONSTRAINT stock_reserved_not_negative CHECK (reserved >= 0),
        CONSTRAINT stock_sold_not_negative CHECK (sold >= 0),
        CONSTRAINT stock_balanced CHECK (available + reserved + sold = put_in)
    ) WITHOUT ROWID;

    CREATE TABLE hold (
        order_id UUID PRIMARY KEY,
        customer_id UUID NOT NULL,
        state TEXT NOT NULL,
        released_from TEXT,
        reserved_at TIMESTAMPTZ,
        changed_at TIMESTAMPTZ NOT NULL,
        overdue_told BOOLEAN NOT NULL,
        CONSTRAINT hold_state CHECK (state IN ('RESERVED', 'SOLD', 'RELEASED')),
        CONSTRAINT hold_released_from CHECK (state = 'RELEASED' OR released_from IS NULL),
        CONSTRAINT hold_reserved_at CHECK (state = 'RELEASED' OR reserved_at IS NOT NULL)
    ) WITHOUT ROWID;
    CREATE INDEX hold_open ON hold (reserved_at) WHERE state = 'RESERVED' AND NOT overdue_told;

    CREATE TABLE hold_line (
        order_id UUID NOT NULL,
        position BIGINT NOT NULL,
        order_line_id UUID NOT NULL,
        option_id UUID NOT NULL,
        item_id UUID NOT NULL,
        store_id UUID NOT NULL,
        seller_id UUID NOT NULL,
        quantity BIGINT NOT NULL,
        currency TEXT NOT NULL,
        unit_price BIGINT NOT NULL,
        option_name TEXT NOT NULL,
        item_name TEXT NOT NULL,
        store_name TEXT NOT NULL,
        PRIMARY KEY (order_id, position),
        CONSTRAINT hold_line_quantity_positive CHECK (quantity > 0)
    ) WITHOUT ROWID;
    CREATE INDEX hold_line_of_option ON hold_line (option_id);

    CREATE TABLE customer_taken (
        option_id UUID NOT NULL,
        customer_id UUID NOT NULL,
        taken BIGINT NOT NULL,
        PRIMARY KEY (option_id, customer_id),
        CONSTRAINT customer_taken_not_negative CHECK (taken >= 0)
    ) WITHOUT ROWID;
    ",
);

/// Sellers whose accounts are closed: none of them opens a store any more, also when the call comes after the fact was heard.
pub(crate) const CLOSED_SELLERS: Migration = Migration::expand(
    "item-catalogue-2",
    "
    CREATE TABLE closed_seller (
        seller_id UUID PRIMARY KEY,
        closed_at TIMESTAMPTZ NOT NULL
    ) WITHOUT ROWID;
    ",
);

/// The items of a store by price, for searching.
pub(crate) const PRICES_IN_STORES: Migration = Migration::expand(
    "item-catalogue-3",
    "CREATE INDEX item_of_store_by_price ON item (store_id, currency, lowest_price, item_id) WHERE deleted_at IS NULL",
);

/// The holds that were told to be overdue and have not ended, for counting.
pub(crate) const OVERDUE_HOLDS: Migration = Migration::expand(
    "item-stock-2",
    "CREATE INDEX hold_overdue ON hold (reserved_at) WHERE state = 'RESERVED' AND overdue_told",
);
