//! Drafts and their lines. A draft is loaded whole, and of an edit its one line is stored; whoever changes one locks its customer, who has
//! one at a time.

use bojagi_kernel::id::{AccountId, OptionId, OrderId, OrderLineId};
use bojagi_kernel::{Currency, Moment, Money};
use bojagi_store::{Error, Migration, Tx, from_row, params};

use crate::domain::{Draft, DraftLine, LineEdit};

/// Drafts. They are apart from orders: what is asked of those need not pass over them, and a process of a version before drafts
/// meets them only in the history of an order that was one.
pub(crate) const MIGRATION: Migration = Migration::expand(
    "order-draft-1",
    "
    CREATE TABLE draft (
        order_id UUID PRIMARY KEY,
        customer_id UUID NOT NULL,
        version BIGINT NOT NULL,
        begun_at TIMESTAMPTZ NOT NULL,
        changed_at TIMESTAMPTZ NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX draft_one_a_customer ON draft (customer_id);

    CREATE TABLE draft_line (
        order_id UUID NOT NULL,
        line_number BIGINT NOT NULL,
        order_line_id UUID NOT NULL,
        option_id UUID NOT NULL,
        quantity BIGINT NOT NULL,
        currency TEXT NOT NULL,
        unit_price BIGINT NOT NULL,
        PRIMARY KEY (order_id, line_number),
        CONSTRAINT draft_line_quantity_within_bounds CHECK (quantity BETWEEN 1 AND 999)
    ) WITHOUT ROWID;
    ",
);

/// The draft that an order was. To add a column locks the orders for a moment, even against reading, so it is a step of its own.
pub(crate) const DRAFT_OF_ORDER: Migration =
    Migration::expand("order-draft-2", "ALTER TABLE orders ADD COLUMN draft_id UUID");

/// Leads from a draft to the order that it became. Apart from the column: orders are read while the index is built.
pub(crate) const ORDERS_OF_DRAFT: Migration = Migration::expand(
    "order-draft-3",
    "CREATE UNIQUE INDEX orders_of_draft ON orders (draft_id) WHERE draft_id IS NOT NULL",
);

struct DraftRow {
    order_id: OrderId,
    version: i64,
    begun_at: Moment,
}

from_row!(DraftRow { order_id, version, begun_at });

struct LineRow {
    order_line_id: OrderLineId,
    option_id: OptionId,
    quantity: i64,
    currency: String,
    unit_price: i64,
}

from_row!(LineRow { order_line_id, option_id, quantity, currency, unit_price });

impl TryFrom<LineRow> for DraftLine {
    type Error = Error;

    fn try_from(row: LineRow) -> Result<Self, Error> {
        let currency = Currency::parse(&row.currency).map_err(|error| Error::Database(error.to_string()))?;
        let unit_price = Money::new(currency, row.unit_price);
        Ok(Self { id: row.order_line_id, option_id: row.option_id, quantity: row.quantity, unit_price })
    }
}

/// The customer's draft.
pub(crate) async fn of_customer(tx: &mut Tx, customer_id: AccountId) -> Result<Option<Draft>, Error> {
    let sql = "SELECT order_id, version, begun_at FROM draft WHERE customer_id = ?1";
    let row: Option<DraftRow> = tx.fetch_optional(sql, params![customer_id]).await?;
    let Some(row) = row else { return Ok(None) };
    let sql = "SELECT order_line_id, option_id, quantity, currency, unit_price FROM draft_line
        WHERE order_id = ?1 ORDER BY line_number";
    let lines: Vec<LineRow> = tx.fetch_all(sql, params![row.order_id]).await?;
    let lines = lines.into_iter().map(DraftLine::try_from).collect::<Result<_, _>>()?;
    Ok(Some(Draft { id: row.order_id, customer_id, version: row.version, lines, begun_at: row.begun_at }))
}

/// Stores a draft that was just begun, and that it was in its history.
pub(crate) async fn insert(tx: &mut Tx, draft: &Draft) -> Result<(), Error> {
    tx.send(
        "INSERT INTO draft (order_id, customer_id, version, begun_at, changed_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![draft.id, draft.customer_id, draft.version, draft.begun_at],
    )
    .await?;
    for line in &draft.lines {
        insert_line(tx, draft.id, line).await?;
    }
    super::history::begin(tx, draft).await
}

/// Stores what a draft has become by an edit.
pub(crate) async fn save(tx: &mut Tx, draft: &Draft, edit: &LineEdit, now: Moment) -> Result<(), Error> {
    tx.send(
        "UPDATE draft SET version = ?2, changed_at = ?3 WHERE order_id = ?1",
        params![draft.id, draft.version, now],
    )
    .await?;
    match edit {
        LineEdit::Add(line) => insert_line(tx, draft.id, line).await,
        LineEdit::Replace(line) => {
            let price = line.unit_price;
            tx.send(
                "UPDATE draft_line SET option_id = ?3, quantity = ?4, currency = ?5, unit_price = ?6
                 WHERE order_id = ?1 AND order_line_id = ?2",
                params![draft.id, line.id, line.option_id, line.quantity, price.currency().code(), price.minor()],
            )
            .await
        }
        LineEdit::Remove(line_id) => {
            let sql = "DELETE FROM draft_line WHERE order_id = ?1 AND order_line_id = ?2";
            tx.send(sql, params![draft.id, line_id]).await
        }
    }
}

/// Adds a line behind the others. Where one was taken out, its number is missing: they only say what comes before what.
async fn insert_line(tx: &mut Tx, draft_id: OrderId, line: &DraftLine) -> Result<(), Error> {
    let price = line.unit_price;
    tx.send(
        "INSERT INTO draft_line (order_id, line_number, order_line_id, option_id, quantity, currency, unit_price)
         VALUES (?1, (SELECT COALESCE(max(line_number), 0) + 1 FROM draft_line WHERE order_id = ?1), ?2, ?3, ?4, ?5, ?6)",
        params![draft_id, line.id, line.option_id, line.quantity, price.currency().code(), price.minor()],
    )
    .await
}

/// The draft is gone, and an order that was just stored goes on with its history.
pub(crate) async fn became(tx: &mut Tx, draft_id: OrderId, order_id: OrderId) -> Result<(), Error> {
    for sql in [
        "UPDATE orders SET draft_id = ?1 WHERE order_id = ?2",
        "UPDATE order_history SET order_id = ?2 WHERE order_id = ?1",
    ] {
        tx.send(sql, params![draft_id, order_id]).await?;
    }
    tx.send("DELETE FROM draft_line WHERE order_id = ?1", params![draft_id]).await?;
    tx.send("DELETE FROM draft WHERE order_id = ?1", params![draft_id]).await
}

/// The order that a draft of this id became.
pub(crate) async fn order_of(tx: &mut Tx, draft_id: OrderId) -> Result<Option<OrderId>, Error> {
    let found: Option<(OrderId,)> =
        tx.fetch_optional("SELECT order_id FROM orders WHERE draft_id = ?1", params![draft_id]).await?;
    Ok(found.map(|(order_id,)| order_id))
}

/// The draft of an account that is closed, with its history: it never became an order.
pub(crate) async fn drop_of(tx: &mut Tx, customer_id: AccountId) -> Result<(), Error> {
    for table in ["draft_line", "order_history"] {
        let sql = format!("DELETE FROM {table} WHERE order_id IN (SELECT order_id FROM draft WHERE customer_id = ?1)");
        tx.send(&sql, params![customer_id]).await?;
    }
    tx.send("DELETE FROM draft WHERE customer_id = ?1", params![customer_id]).await
}
