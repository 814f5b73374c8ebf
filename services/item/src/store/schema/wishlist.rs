//! The tables of wishlists.

use bojagi_store::Migration;

/// What customers would like to have. An entry stays when its option is retired, whose row stays too.
pub(crate) const WISHLISTS: Migration = Migration::expand(
    "item-wishlist-1",
    "
    CREATE TABLE wishlist_entry (
        customer_id UUID NOT NULL,
        option_id UUID NOT NULL REFERENCES item_option (option_id),
        quantity BIGINT NOT NULL,
        added_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (customer_id, option_id),
        CONSTRAINT wishlist_entry_quantity CHECK (quantity BETWEEN 1 AND 999)
    ) WITHOUT ROWID;
    ",
);
