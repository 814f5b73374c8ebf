//! Storing, loading and listing refunds, and counting their pieces.

use std::collections::{HashMap, HashSet};

use bojagi_kernel::id::{AccountId, OrderId, OrderLineId, StoreId};
use bojagi_store::{Bind, Error, Filter, Tx, Value, params};

use super::closed;
use super::orders::{load, load_all_as_sold};
use super::parts::each;
use super::refund_rows::{REFUND_COLUMNS, RefundRow, complete};
use crate::domain::{News, Order, Refund, RefundId, RefundState};

/// What came of counting pieces for a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Taken {
    /// They are asked back now.
    All,
    /// More of a line than is left, which is so many; the unit has to end.
    TooMany { order_line_id: OrderLineId, refundable: i64 },
}

/// Counts pieces as asked back, if no more of each line are asked back and given back then than were bought. Check and act are
/// one statement, so that of two who want the same pieces one is refused.
pub(crate) async fn take_units(tx: &mut Tx, order: &Order, lines: &[(OrderLineId, i64)]) -> Result<Taken, Error> {
    for &(order_line_id, quantity) in lines {
        let bought = order.lines.iter().find(|line| line.id == order_line_id).map_or(0, |line| line.quantity);
        tx.send(
            "INSERT INTO refund_count (order_line_id, bought, asked, approved) VALUES (?1, ?2, 0, 0)
             ON CONFLICT (order_line_id) DO NOTHING",
            params![order_line_id, bought],
        )
        .await?;
        let counted = tx
            .execute(
                "UPDATE refund_count SET asked = asked + ?2 WHERE order_line_id = ?1 AND asked + approved + ?2 <= bought",
                params![order_line_id, quantity],
            )
            .await?;
        if counted == 0 {
            let sql = "SELECT bought - asked - approved FROM refund_count WHERE order_line_id = ?1";
            let (refundable,) = tx.fetch_one(sql, params![order_line_id]).await?;
            return Ok(Taken::TooMany { order_line_id, refundable });
        }
    }
    Ok(Taken::All)
}

/// Counts pieces that were asked back as given back, or as neither any more.
async fn decide_units(tx: &mut Tx, refund: &Refund) -> Result<(), Error> {
    let approved = refund.state == RefundState::Approved;
    for line in &refund.lines {
        let counted = tx
            .execute(
                "UPDATE refund_count SET asked = asked - ?2, approved = approved + ?3 WHERE order_line_id = ?1",
                params![line.order_line_id, line.quantity, if approved { line.quantity } else { 0 }],
            )
            .await?;
        if counted == 0 {
            return Err(Error::NoRow);
        }
    }
    Ok(())
}

/// Stores what has happened to the refunds of an order, with the order. One that is decided while its customer's account is closed
/// forgets what the customer wrote.
pub(super) async fn save(tx: &mut Tx, order: &mut Order, news: &[News]) -> Result<(), Error> {
    for news in news {
        let refund = |refund_id: RefundId| order.refund(refund_id).ok_or(Error::NoRow);
        match *news {
            News::RefundRequested(refund_id) => insert(tx, order, refund(refund_id)?).await?,
            News::RefundApproved(refund_id) | News::RefundRejected(refund_id) | News::RefundWithdrawn(refund_id) => {
                let refund = refund(refund_id)?;
                decide_units(tx, refund).await?;
                update(tx, refund).await?;
                if refund.state == RefundState::Approved {
                    update_lines(tx, refund).await?;
                }
                if closed(tx, order.customer_id).await? {
                    // Its own words alone: refunds of other orders are under other locks.
                    tx.send("UPDATE refund SET reason = '' WHERE refund_id = ?1", params![refund_id]).await?;
                    order.forget_words(refund_id);
                }
            }
            News::RefundMoved(refund_id) => update(tx, refund(refund_id)?).await?,
            _ => {}
        }
    }
    Ok(())
}

/// Empties what a customer wrote to those who have decided. The others are looked at, too: a refund that is being decided at this
/// moment is waited for, and was decided before the account was closed or finds it closed. For whoever locks the store.
pub(crate) async fn forget_words(tx: &mut Tx, customer_id: AccountId) -> Result<(), Error> {
    tx.send(
        "UPDATE refund SET reason = CASE WHEN state = 'REQUESTED' THEN reason ELSE '' END
         WHERE customer_id = ?1 AND reason <> ''",
        params![customer_id],
    )
    .await
}

async fn insert(tx: &mut Tx, order: &Order, refund: &Refund) -> Result<(), Error> {
    tx.send(
        "INSERT INTO refund (refund_id, order_id, delivery_id, store_id, seller_id, customer_id, state, money, currency, amount,
            restock, requested_at, attempts, failed_attempts, refusals, reason, last_error)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, FALSE, ?10, 0, 0, 0, ?11, '')",
        params![
            refund.id,
            order.id,
            refund.delivery_id,
            refund.store_id,
            refund.seller_id,
            order.customer_id,
            refund.state,
            refund.money,
            order.currency.code(),
            refund.requested_at,
            refund.reason,
        ],
    )
    .await?;
    for (number, line) in (1_i64..).zip(&refund.lines) {
        tx.send(
            "INSERT INTO refund_line (refund_id, line_number, order_line_id, quantity, gross, net, platform_discount,
                seller_discount)
             VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0)",
            params![refund.id, number, line.order_line_id, line.quantity],
        )
        .await?;
    }
    tx.send("UPDATE orders SET refunds = refunds + 1 WHERE order_id = ?1", params![order.id]).await
}

async fn update(tx: &mut Tx, refund: &Refund) -> Result<(), Error> {
    tx.send(
        "UPDATE refund SET state = ?2, money = ?3, amount = ?4, restock = ?5, decided_at = ?6, refunded_at = ?7,
            attempts = ?8, failed_attempts = ?9, refusals = ?10, next_at = ?11, rejection = ?12, last_error = ?13
         WHERE refund_id = ?1",
        params![
            refund.id,
            refund.state,
            refund.money,
            refund.amount(),
            refund.restock,
            refund.decided_at,
            refund.refunded_at,
            refund.asking.attempts,
            refund.asking.failed_attempts,
            refund.asking.refusals,
            refund.asking.next_at,
            refund.rejection,
            refund.asking.last_error,
        ],
    )
    .await
}

async fn update_lines(tx: &mut Tx, refund: &Refund) -> Result<(), Error> {
    for (number, line) in (1_i64..).zip(&refund.lines) {
        tx.send(
            "UPDATE refund_line SET gross = ?3, net = ?4, platform_discount = ?5, seller_discount = ?6
             WHERE refund_id = ?1 AND line_number = ?2",
            params![
                refund.id,
                number,
                line.share.gross,
                line.share.net,
                line.share.platform_discount,
                line.share.seller_discount,
            ],
        )
        .await?;
    }
    Ok(())
}

/// The refunds of each of these orders that are not decided or are approved, oldest first.
pub(super) async fn standing_of(tx: &mut Tx, order_ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Refund>>, Error> {
    let sql = format!(
        "SELECT {REFUND_COLUMNS} FROM refund WHERE order_id IN ({{?1}}) AND state IN ('REQUESTED', 'APPROVED')
         ORDER BY refund_id"
    );
    let rows: Vec<RefundRow> = tx.fetch_many(&sql, &each(order_ids)).await?;
    let mut of_orders: HashMap<OrderId, Vec<Refund>> = HashMap::new();
    for (order_id, refund) in complete(tx, rows).await? {
        of_orders.entry(order_id).or_default().push(refund);
    }
    Ok(of_orders)
}

/// The order that a refund is of.
pub(crate) async fn order_of_refund(tx: &mut Tx, refund_id: RefundId) -> Result<Option<OrderId>, Error> {
    let sql = "SELECT order_id FROM refund WHERE refund_id = ?1";
    let found: Option<(OrderId,)> = tx.fetch_optional(sql, params![refund_id]).await?;
    Ok(found.map(|(order_id,)| order_id))
}

/// The whole order, with this refund of it at hand whatever its state.
pub(crate) async fn load_with_refund(
    tx: &mut Tx,
    order_id: OrderId,
    refund_id: RefundId,
) -> Result<Option<Order>, Error> {
    let Some(mut order) = load(tx, order_id).await? else { return Ok(None) };
    if order.refund(refund_id).is_none() {
        let found = by_ids(tx, &[refund_id]).await?;
        found.into_iter().filter(|(of, _)| *of == order_id).for_each(|(_, refund)| order.has_also(refund));
    }
    Ok(Some(order))
}

async fn by_ids(tx: &mut Tx, refund_ids: &[RefundId]) -> Result<Vec<(OrderId, Refund)>, Error> {
    let keys: Vec<_> = refund_ids.iter().map(|refund_id| vec![refund_id.bind()]).collect();
    let sql = format!("SELECT {REFUND_COLUMNS} FROM refund WHERE refund_id IN ({{?1}})");
    let rows: Vec<RefundRow> = tx.fetch_many(&sql, &keys).await?;
    complete(tx, rows).await
}

/// Which refunds to list.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RefundFilter {
    /// Only this customer's, or, together with `seller`, of either.
    pub(crate) customer: Option<AccountId>,
    /// Only those of this seller's stores.
    pub(crate) seller: Option<AccountId>,
    pub(crate) order: Option<OrderId>,
    pub(crate) store: Option<StoreId>,
    pub(crate) state: Option<RefundState>,
}

/// Refunds with their orders, newest first, after the one at which the page before ended. An order comes along for its lines, once
/// for each of its refunds, and so without them.
pub(crate) async fn list_refunds(
    tx: &mut Tx,
    wanted: &RefundFilter,
    after: Option<RefundId>,
    limit: i64,
) -> Result<Vec<(Refund, Order)>, Error> {
    let (sql, params) = refunds_statement(wanted, after.as_ref(), limit);
    let rows: Vec<RefundRow> = tx.fetch_all(&sql, &params).await?;
    let refunds = complete(tx, rows).await?;
    let order_ids: HashSet<_> = refunds.iter().map(|(order_id, _)| *order_id).collect();
    let orders = load_all_as_sold(tx, &order_ids.into_iter().collect::<Vec<_>>()).await?;
    let with_order = |(order_id, refund)| Ok((refund, orders.get(&order_id).cloned().ok_or(Error::NoRow)?));
    refunds.into_iter().map(with_order).collect()
}

fn refunds_statement<'a>(
    wanted: &'a RefundFilter,
    after: Option<&'a RefundId>,
    limit: i64,
) -> (String, Vec<Value<'a>>) {
    let mut filter = Filter::new();
    match (&wanted.customer, &wanted.seller) {
        (Some(customer), Some(seller)) => {
            filter.and("(customer_id = ? OR seller_id = ?)", [customer.bind(), seller.bind()]);
        }
        (customer, seller) => {
            filter.and_if("customer_id = ?", customer.as_ref());
            filter.and_if("seller_id = ?", seller.as_ref());
        }
    }
    filter.and_if("order_id = ?", wanted.order.as_ref());
    filter.and_if("store_id = ?", wanted.store.as_ref());
    filter.and_if("state = ?", wanted.state.as_ref());
    filter.and_if("refund_id < ?", after);
    filter.statement(&format!("SELECT {REFUND_COLUMNS} FROM refund"), "refund_id DESC", limit)
}

const LET_GO: &str = "SELECT DISTINCT r.order_id FROM refund r JOIN orders o ON o.order_id = r.order_id
    WHERE r.money IN ('REFUNDING', 'PARKED') AND o.saga_state = 'DONE'";

/// Orders that nobody is going to drive, although the money of a refund of theirs is owed.
pub(crate) async fn let_go(tx: &mut Tx) -> Result<Vec<OrderId>, Error> {
    let rows: Vec<(OrderId,)> = tx.fetch_all(LET_GO, &[]).await?;
    Ok(rows.into_iter().map(|(order_id,)| order_id).collect())
}

#[cfg(test)]
mod tests;
