//! The tables of what came back to the shelf.

use bojagi_store::Migration;

/// Which refunds brought pieces back, and how many of each line that was sold.
///
/// * `restock` has one row for each refund, kept for ever: a refund that is heard of again brings nothing back.
/// * `restocked_line` has a row for each line of which pieces ever came back. Its check keeps more from coming back than were sold.
///   The line of the hold stays as it was: sold are the lines of sold holds less what came back.
pub(crate) const RESTOCKS: Migration = Migration::expand(
    "item-restocks-1",
    "
    CREATE TABLE restock (
        refund_id UUID PRIMARY KEY,
        order_id UUID NOT NULL,
        restocked_at TIMESTAMPTZ NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE restocked_line (
        order_id UUID NOT NULL,
        order_line_id UUID NOT NULL,
        option_id UUID NOT NULL,
        sold BIGINT NOT NULL,
        restocked BIGINT NOT NULL,
        PRIMARY KEY (order_id, order_line_id),
        CONSTRAINT restocked_line_within_sold CHECK (restocked >= 0 AND restocked <= sold)
    ) WITHOUT ROWID;
    ",
);
