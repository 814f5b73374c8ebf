//! What orders hold: one row an order, and a row for each of its lines.

use std::collections::BTreeMap;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, ItemId, OptionId, OrderId};
use bojagi_store::{Error, FromRow, Row, Tx, from_row, params};

use super::{money, window};
use crate::domain::hold::{HeldLine, Hold, HoldState};
use crate::domain::reservation::{AskedLine, Offer};

/// Everything that deciding on an option needs, in one look: the option, its stock, the names above it, and what the
/// customer has of it.
const OFFER: &str =
    "SELECT o.option_id, o.name, i.item_id, i.name, i.store_id, s.name, i.seller_id, o.state, o.currency,
        o.price, o.opens_at, o.closes_at, o.customer_limit, c.available, coalesce(t.taken, 0)
     FROM item_option o
     JOIN stock c ON c.option_id = o.option_id
     JOIN item i ON i.item_id = o.item_id
     JOIN store s ON s.store_id = i.store_id
     LEFT JOIN customer_taken t ON t.option_id = o.option_id AND t.customer_id = ?2
     WHERE o.option_id = ?1";

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
            taken_by_customer: row.get(14)?,
        })
    }
}

/// The options that an order asks for, as they are offered to its customer.
pub(crate) async fn load_offers(tx: &mut Tx, customer_id: AccountId, asked: &[AskedLine]) -> Result<Vec<Offer>, Error> {
    let mut offers: Vec<Offer> = Vec::with_capacity(asked.len());
    for AskedLine { option_id, .. } in asked {
        if offers.iter().all(|offer| offer.option_id != *option_id) {
            offers.extend(tx.fetch_optional::<Offer>(OFFER, params![option_id, customer_id]).await?);
        }
    }
    Ok(offers)
}

from_row!(Hold { customer_id, state });

pub(crate) async fn find(tx: &mut Tx, order_id: OrderId) -> Result<Option<Hold>, Error> {
    tx.fetch_optional("SELECT customer_id, state FROM hold WHERE order_id = ?1", params![order_id]).await
}

/// Opens the hold of an order; false when the order has a row already.
pub(crate) async fn open(tx: &mut Tx, order_id: OrderId, customer_id: AccountId, now: Moment) -> Result<bool, Error> {
    let opened = tx
        .execute(
            "INSERT INTO hold (order_id, customer_id, state, reserved_at, changed_at, overdue_told)
             VALUES (?1, ?2, 'RESERVED', ?3, ?3, FALSE) ON CONFLICT (order_id) DO NOTHING",
            params![order_id, customer_id, now],
        )
        .await?;
    Ok(opened == 1)
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

const INSERT_LINE: &str =
    "INSERT INTO hold_line (order_id, position, order_line_id, option_id, quantity, currency, unit_price,
        item_id, store_id, seller_id, option_name, item_name, store_name)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

/// Notes the lines of an order.
pub(crate) async fn insert_lines(tx: &mut Tx, order_id: OrderId, lines: &[HeldLine]) -> Result<(), Error> {
    for (position, line) in (0_i64..).zip(lines) {
        let HeldLine { asked, .. } = line;
        tx.execute(
            INSERT_LINE,
            params![
                order_id,
                position,
                asked.order_line_id,
                asked.option_id,
                asked.quantity,
                asked.expected_unit_price.currency().code(),
                asked.expected_unit_price.minor(),
                line.item_id,
                line.store_id,
                line.seller_id,
                line.option_name,
                line.item_name,
                line.store_name,
            ],
        )
        .await?;
    }
    Ok(())
}

/// The lines of an order, in the order in which they were first asked for.
pub(crate) async fn lines(tx: &mut Tx, order_id: OrderId) -> Result<Vec<HeldLine>, Error> {
    tx.fetch_all(
        &format!("SELECT {LINE_COLUMNS} FROM hold_line WHERE order_id = ?1 ORDER BY position"),
        params![order_id],
    )
    .await
}

/// How many pieces of each option an order holds, by option, so that concurrent writers lock in one order. They are summed
/// here, because grouping makes SQLite build two temporary tables for what is nearly always one line.
pub(crate) async fn sums(tx: &mut Tx, order_id: OrderId) -> Result<Vec<(OptionId, ItemId, i64)>, Error> {
    let lines: Vec<(OptionId, ItemId, i64)> = tx
        .fetch_all("SELECT option_id, item_id, quantity FROM hold_line WHERE order_id = ?1", params![order_id])
        .await?;
    let mut sums = BTreeMap::new();
    for (option_id, item_id, quantity) in lines {
        let (_, sum) = sums.entry(option_id).or_insert((item_id, 0_i64));
        *sum = sum.saturating_add(quantity);
    }
    Ok(sums.into_iter().map(|(option_id, (item_id, sum))| (option_id, item_id, sum)).collect())
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

/// How many orders hold pieces and have not ended, and since when the first of them does; those apart that were told to be
/// overdue.
pub(crate) async fn count_open(tx: &mut Tx) -> Result<(i64, Option<Moment>), Error> {
    tx.fetch_one("SELECT count(*), min(reserved_at) FROM hold WHERE state = 'RESERVED' AND NOT overdue_told", &[]).await
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
