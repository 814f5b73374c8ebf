//! The tables of what was paid back.

use bojagi_store::Migration;

/// How many pieces of what was sold were paid back, and how many of these came back to the shelf.
///
/// * `refund` has one row for each refund, kept for ever: a refund that is heard of again counts no second time.
/// * `refunded_line` has a row for each line of which pieces were ever paid back. Its check keeps more from being paid back than were
///   sold, and more from coming back to the shelf than were paid back. The line of the hold stays as it was: sold are the lines of
///   sold holds less what came back.
pub(crate) const REFUNDS: Migration = Migration::expand(
    "item-refunds-1",
    "
    CREATE TABLE refund (
        refund_id UUID PRIMARY KEY,
        order_id UUID NOT NULL,
        restocked BOOLEAN NOT NULL,
        heard_at TIMESTAMPTZ NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE refunded_line (
        order_id UUID NOT NULL,
        order_line_id UUID NOT NULL,
        option_id UUID NOT NULL,
        sold BIGINT NOT NULL,
        refunded BIGINT NOT NULL,
        restocked BIGINT NOT NULL,
        PRIMARY KEY (order_id, order_line_id),
        CONSTRAINT refunded_line_within_sold CHECK (restocked >= 0 AND restocked <= refunded AND refunded <= sold)
    ) WITHOUT ROWID;
    ",
);
