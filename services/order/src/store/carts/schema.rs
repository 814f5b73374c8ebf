//! The tables of carts.

use bojagi_store::Migration;

/// Carts and their lines. A line of an order on its way is kept with the order, until it is paid or comes back. Lines are read in the
/// order of their ids, which sort by age.
pub(crate) const MIGRATION: Migration = Migration::expand(
    "order-cart-1",
    "
    CREATE TABLE cart (
        customer_id UUID PRIMARY KEY,
        revision BIGINT NOT NULL,
        changed_at TIMESTAMPTZ NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE cart_line (
        cart_line_id UUID PRIMARY KEY,
        customer_id UUID NOT NULL,
        option_id UUID NOT NULL,
        order_id UUID,
        quantity BIGINT NOT NULL,
        currency TEXT NOT NULL,
        unit_price BIGINT NOT NULL,
        item_id UUID NOT NULL,
        store_id UUID NOT NULL,
        item_name TEXT NOT NULL,
        option_name TEXT NOT NULL,
        store_name TEXT NOT NULL,
        standing TEXT NOT NULL,
        pieces_left BIGINT NOT NULL,
        currency_before TEXT,
        price_before BIGINT,
        price_changed_in BIGINT NOT NULL,
        standing_changed_in BIGINT NOT NULL,
        CONSTRAINT cart_line_quantity_within_bounds CHECK (quantity BETWEEN 1 AND 999)
    );
    CREATE INDEX cart_line_of_customer ON cart_line (customer_id, cart_line_id);
    CREATE UNIQUE INDEX cart_line_once_in_a_cart ON cart_line (customer_id, option_id) WHERE order_id IS NULL;
    CREATE UNIQUE INDEX cart_line_of_order ON cart_line (order_id, option_id) WHERE order_id IS NOT NULL;
    ",
);
