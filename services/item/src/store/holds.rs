//! What orders hold: one row an order, and a row for each of its lines.

use std::collections::{BTreeMap, BTreeSet};

use bojagi_kernel::id::{AccountId, OptionId, OrderId};
use bojagi_kernel::{Currency, Moment};
use bojagi_store::{Bind, Error, FromRow, Row, Tx, Value, from_row, params};

use super::{money, window};
use crate::domain::hold::{HeldLine, Hold, HoldState};
use crate::domain::reservation::{AskedLine, Offer};
use crate::domain::stock::HeldPieces;

/// Everything that deciding on an option needs but for what the customer has of it: the option, its stock, and the names above
/// it.
const OFFERS: &str =
    "SELECT o.option_id, o.name, i.item_id, i.name, i.store_id, s.name, i.seller_id, o.state, o.currency,
        o.price, o.opens_at, o.closes_at, o.customer_limit, c.available
     FROM item_option o
     JOIN stock c ON c.option_id = o.option_id
     JOIN item i ON i.item_id = o.item_id
     JOIN store s ON s.store_id = i.store_id
     WHERE o.option_id IN ({?1})";

impl FromRow for Offer {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            option_id: row.get(0)?,
            option_name: row.get(1)?,
            item_id: row.get(2)?,
            item_name: row.get(3)?,
            store_id: row.get(4)?,
            store_name: row.get(5)?,
            seller_id: row.get(6)?,
            state: row.get(7)?,
            unit_price: money(row, 8)?,
            window: window(row, 10)?,
            customer_limit: row.get(12)?,
            available: row.get(13)?,
            taken_by_customer: 0,
        })
    }
}

/// Options as they are on offer.
pub(crate) async fn load_offers(tx: &mut Tx, options: &BTreeSet<OptionId>) -> Result<Vec<Offer>, Error> {
    let keys: Vec<_> = options.iter().map(|option_id| vec![option_id.bind()]).collect();
    tx.fetch_many(OFFERS, &keys).await
}

from_row!(Hold { customer_id, state });

pub(crate) async fn find(tx: &mut Tx, order_id: OrderId) -> Result<Option<Hold>, Error> {
    tx.fetch_optional("SELECT customer_id, state FROM hold WHERE order_id = ?1", params![order_id]).await
}

/// The holds of some orders.
pub(crate) async fn find_all(tx: &mut Tx, orders: &BTreeSet<OrderId>) -> Result<BTreeMap<OrderId, Hold>, Error> {
    let keys: Vec<_> = orders.iter().map(|order_id| vec![order_id.bind()]).collect();
    let sql = "SELECT order_id, customer_id, state FROM hold WHERE order_id IN ({?1})";
    let found: Vec<(OrderId, AccountId, HoldState)> = tx.fetch_many(sql, &keys).await?;
    Ok(found.into_iter().map(|(order_id, customer_id, state)| (order_id, Hold { customer_id, state })).collect())
}

/// Opens holds, for orders that have no row yet.
pub(crate) async fn open_all(tx: &mut Tx, orders: &[(OrderId, AccountId)], now: Moment) -> Result<(), Error> {
    let rows: Vec<_> =
        orders.iter().map(|(order_id, customer_id)| vec![order_id.bind(), customer_id.bind(), now.bind()]).collect();
    tx.send_many(
        "INSERT INTO hold (order_id, customer_id, state, reserved_at, changed_at, overdue_told)
         VALUES {(?1, ?2, 'RESERVED', ?3, ?3, FALSE)}",
        &rows,
    )
    .await
}

/// Notes the end of an order that never held anything; false when the order has a row already.
pub(crate) async fn open_ended(
    tx: &mut Tx,
    order_id: OrderId,
    customer_id: AccountId,
    now: Moment,
) -> Result<bool, Error> {
    let opened = tx
        .execute(
            "INSERT INTO hold (order_id, customer_id, state, changed_at, overdue_told)
             VALUES (?1, ?2, 'RELEASED', ?3, FALSE) ON CONFLICT (order_id) DO NOTHING",
            params![order_id, customer_id, now],
        )
        .await?;
    Ok(opened == 1)
}

/// Moves a hold from one state to another; false when it is not in the first.
pub(crate) async fn advance(
    tx: &mut Tx,
    order_id: OrderId,
    (from, to): (HoldState, HoldState),
    now: Moment,
) -> Result<bool, Error> {
    let released_from = (to == HoldState::Released).then_some(from);
    let advanced = tx
        .execute(
            "UPDATE hold SET state = ?3, released_from = ?4, changed_at = ?5 WHERE order_id = ?1 AND state = ?2",
            params![order_id, from, to, released_from, now],
        )
        .await?;
    Ok(advanced == 1)
}

const LINE_COLUMNS: &str = "order_line_id, option_id, quantity, currency, unit_price, item_id, store_id, seller_id, option_name, \
     item_name, store_name";

impl FromRow for HeldLine {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            asked: AskedLine {
                order_line_id: row.get(0)?,
                option_id: row.get(1)?,
                quantity: row.get(2)?,
                expected_unit_price: money(row, 3)?,
            },
            item_id: row.get(5)?,
            store_id: row.get(6)?,
            seller_id: row.get(7)?,
            option_name: row.get(8)?,
            item_name: row.get(9)?,
            store_name: row.get(10)?,
        })
    }
}

const INSERT_LINES: &str =
    "INSERT INTO hold_line (order_id, position, order_line_id, option_id, quantity, currency, unit_price,
        item_id, store_id, seller_id, option_name, item_name, store_name)
     VALUES {(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)}";

/// Notes the lines of orders.
pub(crate) async fn insert_lines<'a>(
    tx: &mut Tx,
    orders: impl IntoIterator<Item = (OrderId, &'a [HeldLine])>,
) -> Result<(), Error> {
    let placed = |(order_id, lines): (OrderId, &'a [HeldLine])| {
        let placed = (0_i64..).zip(lines);
        placed.map(move |(position, line)| (order_id, position, line, line.asked.expected_unit_price.currency()))
    };
    let lines: Vec<_> = orders.into_iter().flat_map(placed).collect();
    let rows: Vec<_> = lines.iter().map(line_row).collect();
    tx.send_many(INSERT_LINES, &rows).await
}

fn line_row<'a>((order_id, position, line, currency): &'a (OrderId, i64, &HeldLine, Currency)) -> Vec<Value<'a>> {
    let HeldLine { asked, .. } = line;
    vec![
        order_id.bind(),
        position.bind(),
        asked.order_line_id.bind(),
        asked.option_id.bind(),
        asked.quantity.bind(),
        Value::Text(currency.code()),
        Value::Integer(asked.expected_unit_price.minor()),
        line.item_id.bind(),
        line.store_id.bind(),
        line.seller_id.bind(),
        line.option_name.bind(),
        line.item_name.bind(),
        line.store_name.bind(),
    ]
}

/// The lines of an order, in the order in which they were first asked for.
pub(crate) async fn lines(tx: &mut Tx, order_id: OrderId) -> Result<Vec<HeldLine>, Error> {
    tx.fetch_all(
        &format!("SELECT {LINE_COLUMNS} FROM hold_line WHERE order_id = ?1 ORDER BY position"),
        params![order_id],
    )
    .await
}

from_row!(HeldPieces { option_id, item_id, quantity });

/// How many pieces of each option an order holds, by option. They are summed here, because grouping makes SQLite build two
/// temporary tables for what is nearly always one line.
pub(crate) async fn sums(tx: &mut Tx, order_id: OrderId) -> Result<Vec<HeldPieces>, Error> {
    let lines: Vec<HeldPieces> = tx
        .fetch_all("SELECT option_id, item_id, quantity FROM hold_line WHERE order_id = ?1", params![order_id])
        .await?;
    let mut sums: BTreeMap<OptionId, HeldPieces> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.option_id).or_insert(HeldPieces { quantity: 0, ..line });
        sum.quantity = sum.quantity.saturating_add(line.quantity);
    }
    Ok(sums.into_values().collect())
}

/// Orders that have been holding pieces since before `since`, told to nobody yet; the oldest first, at most `limit`.
pub(crate) async fn overdue(tx: &mut Tx, since: Moment, limit: i64) -> Result<Vec<(OrderId, Moment)>, Error> {
    tx.fetch_all(
        "SELECT order_id, reserved_at FROM hold
         WHERE state = 'RESERVED' AND NOT overdue_told AND reserved_at < ?1 ORDER BY reserved_at LIMIT ?2",
        params![since, limit],
    )
    .await
}

/// The orders that hold pieces and have not ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OpenHolds {
    /// All of them.
    pub(crate) count: i64,
    /// Those that were told to be overdue.
    pub(crate) overdue: i64,
    /// Since when the first of the others holds its pieces.
    pub(crate) oldest_in_time: Option<Moment>,
}

from_row!(OpenHolds { count, overdue, oldest_in_time });

/// Counts the orders that hold pieces and have not ended. Each part has an index of its own.
pub(crate) async fn count_open(tx: &mut Tx) -> Result<OpenHolds, Error> {
    tx.fetch_one(
        "SELECT in_time.holds + overdue.holds, overdue.holds, in_time.oldest
         FROM (SELECT count(*) AS holds, min(reserved_at) AS oldest FROM hold
               WHERE state = 'RESERVED' AND NOT overdue_told) AS in_time,
              (SELECT count(*) AS holds FROM hold WHERE state = 'RESERVED' AND overdue_told) AS overdue",
        &[],
    )
    .await
}

/// Notes that an order was told to be overdue; false when it has ended, or was told before.
pub(crate) async fn mark_overdue(tx: &mut Tx, order_id: OrderId) -> Result<bool, Error> {
    let marked = tx
        .execute(
            "UPDATE hold SET overdue_told = TRUE WHERE order_id = ?1 AND state = 'RESERVED' AND NOT overdue_told",
            params![order_id],
        )
        .await?;
    Ok(marked == 1)
}

#[cfg(test)]
mod tests;
