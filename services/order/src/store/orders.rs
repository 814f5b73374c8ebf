//! Storing, loading and claiming orders.

use std::collections::HashMap;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_store::{Error, Tx, params};

use super::parts::each;
use super::rows::{ORDER_COLUMNS, OrderRow, metadata_text};
use super::{carts, closed, history, parts, refunds};
use crate::domain::{Address, DeliveryId, InstanceId, Life, News, Order, SagaState};
use crate::events;

/// What came of storing an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Saved {
    /// It is stored.
    Now,
    /// Somebody else changed it meanwhile, or took it over: nothing was stored.
    Stale,
}

/// Stores an order that was just placed, with its history and its fact.
pub(crate) async fn insert(tx: &mut Tx, order: &mut Order, now: Moment) -> Result<(), Error> {
    let news = order.store_now(now);
    count_changes(order, &news);
    tx.send(
        "INSERT INTO orders (order_id, customer_id, state, version, currency, gross, discount, points, payment_method_id,
            order_coupon_id, quote_hash, recipient, phone, postal_code, address_line1, address_line2, traceparent,
            tracestate, changes, created_at, updated_at, refunded, money_back, stock_back, coupons_back, saga_state,
            direction, payment, failed_attempts, lease_owner, lease_epoch, wake_at, deadline)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?28, ?18, ?19, ?19, 0,
            FALSE, FALSE, ?27, ?20, ?21, ?22, 0, ?23, ?24, ?25, ?26)",
        params![
            order.id,
            order.customer_id,
            order.life,
            order.version,
            order.currency.code(),
            order.totals.gross,
            order.totals.discount,
            order.totals.points,
            order.payment_method_id,
            order.order_coupon_id,
            order.quote_hash,
            order.address.recipient,
            order.address.phone,
            order.address.postal_code,
            order.address.line1,
            order.address.line2,
            order.trace.as_ref().map(|trace| trace.traceparent.as_str()),
            order.changes,
            order.created_at,
            order.saga.state,
            order.saga.direction,
            order.saga.payment,
            order.saga.lease_owner,
            order.saga.lease_epoch,
            order.saga.wake_at,
            order.saga.deadline,
            order.back.coupons,
            order.trace.as_ref().and_then(|trace| trace.tracestate.as_deref()),
        ],
    )
    .await?;
    parts::insert_lines(tx, order).await?;
    publish(tx, order, &news, now).await
}

/// Stores what has changed of an order, tells its news, and keeps its history: one commit. An order that comes to rest
/// while its customer's account is closed forgets its address.
pub(crate) async fn save(tx: &mut Tx, order: &mut Order, now: Moment) -> Result<Saved, Error> {
    let (version, epoch) = (order.version, order.saga.lease_epoch);
    if order.life.at_rest() && closed(tx, order.customer_id).await? {
        order.anonymise();
    }
    let news = order.store_now(now);
    count_changes(order, &news);
    let failure = order.failure.as_ref();
    let changed = tx
        .execute(
            "UPDATE orders SET state = ?4, version = ?5, cancel_reason = ?6, failure_reason = ?7, failure_domain = ?8,
                failure_message = ?9, failure_metadata = ?10, changes = ?11, updated_at = ?12, confirmed_at = ?13,
                ended_at = ?14, captured_at = ?15, refunded = ?16, refunded_at = ?17, money_back = ?18, stock_back = ?19,
                coupons_back = ?20, saga_state = ?21, direction = ?22, payment = ?23, failed_attempts = ?24,
                parked_reason = ?25, operator_reason = ?26, lease_owner = ?27, wake_at = ?28, recipient = ?29, phone = ?30,
                postal_code = ?31, address_line1 = ?32, address_line2 = ?33, refusals = ?34
             WHERE order_id = ?1 AND version = ?2 AND lease_epoch = ?3",
            params![
                order.id,
                version,
                epoch,
                order.life,
                order.version,
                order.cancel,
                failure.map(|failure| &failure.reason),
                failure.map(|failure| &failure.domain),
                failure.map(|failure| &failure.message),
                metadata_text(failure)?,
                order.changes,
                order.updated_at,
                order.confirmed_at,
                order.ended_at,
                order.captured_at,
                order.refunded,
                order.refunded_at,
                order.back.money,
                order.back.stock,
                order.back.coupons,
                order.saga.state,
                order.saga.direction,
                order.saga.payment,
                order.saga.failed_attempts,
                order.saga.parked_reason,
                order.saga.operator_reason,
                order.saga.lease_owner,
                order.saga.wake_at,
                order.address.recipient,
                order.address.phone,
                order.address.postal_code,
                order.address.line1,
                order.address.line2,
                order.saga.refusals,
            ],
        )
        .await?;
    if changed == 0 {
        return Ok(Saved::Stale);
    }
    if news.contains(&News::Confirmed) {
        parts::confirm(tx, order).await?;
    } else if news.iter().any(changes_parcels) {
        parts::update_parcels(tx, order).await?;
    }
    if news.contains(&News::Failed) {
        carts::bring_back(tx, order.customer_id, order.id, now).await?;
    } else if news.contains(&News::Confirmed) {
        carts::forget(tx, order.id).await?;
    }
    refunds::save(tx, order, &news).await?;
    publish(tx, order, &news, now).await?;
    Ok(Saved::Now)
}

const fn changes_parcels(news: &News) -> bool {
    matches!(news, News::Cancelling(_) | News::DeliveryBegun(_) | News::DeliveryCompleted(_))
}

fn count_changes(order: &mut Order, news: &[News]) {
    for news in news {
        if history::state_entered(news).is_some() {
            order.count_change();
        }
    }
}

async fn publish(tx: &mut Tx, order: &Order, news: &[News], now: Moment) -> Result<(), Error> {
    history::record(tx, order, news, now).await?;
    for news in news {
        events::tell(tx, order, *news, now).await?;
    }
    Ok(())
}

/// The whole order.
pub(crate) async fn load(tx: &mut Tx, order_id: OrderId) -> Result<Option<Order>, Error> {
    let row = tx
        .fetch_optional(&format!("SELECT {ORDER_COLUMNS} FROM orders WHERE order_id = ?1"), params![order_id])
        .await?;
    complete(tx, row).await
}

/// Those of these orders that are there, by their ids.
pub(crate) async fn load_all(tx: &mut Tx, order_ids: &[OrderId]) -> Result<HashMap<OrderId, Order>, Error> {
    let sql = format!("SELECT {ORDER_COLUMNS} FROM orders WHERE order_id IN ({{?1}})");
    let rows = tx.fetch_many(&sql, &each(order_ids)).await?;
    Ok(complete_all(tx, rows).await?.into_iter().map(|order| (order.id, order)).collect())
}

/// Those of these orders that are there, by their ids, without their refunds.
pub(super) async fn load_all_as_sold(tx: &mut Tx, order_ids: &[OrderId]) -> Result<HashMap<OrderId, Order>, Error> {
    let sql = format!("SELECT {ORDER_COLUMNS} FROM orders WHERE order_id IN ({{?1}})");
    let rows = tx.fetch_many(&sql, &each(order_ids)).await?;
    Ok(complete_all_as_sold(tx, rows).await?.into_iter().map(|order| (order.id, order)).collect())
}

/// The whole order that a parcel belongs to.
pub(crate) async fn load_parcel_order(tx: &mut Tx, delivery_id: DeliveryId) -> Result<Option<Order>, Error> {
    let row = tx
        .fetch_optional(
            &format!(
                "SELECT {ORDER_COLUMNS} FROM orders
                 WHERE order_id = (SELECT order_id FROM delivery WHERE delivery_id = ?1)"
            ),
            params![delivery_id],
        )
        .await?;
    complete(tx, row).await
}

/// The order that a parcel belongs to.
pub(crate) async fn order_of_parcel(tx: &mut Tx, delivery_id: DeliveryId) -> Result<Option<OrderId>, Error> {
    let sql = "SELECT order_id FROM delivery WHERE delivery_id = ?1";
    let found: Option<(OrderId,)> = tx.fetch_optional(sql, params![delivery_id]).await?;
    Ok(found.map(|(order_id,)| order_id))
}

async fn complete(tx: &mut Tx, row: Option<OrderRow>) -> Result<Option<Order>, Error> {
    Ok(complete_all(tx, row.into_iter().collect()).await?.pop())
}

/// Orders with their lines, parcels and refunds, those of all of them read at once.
pub(super) async fn complete_all(tx: &mut Tx, rows: Vec<OrderRow>) -> Result<Vec<Order>, Error> {
    let order_ids: Vec<_> = rows.iter().map(|row| row.order_id).collect();
    let mut lines = parts::lines_of(tx, &order_ids).await?;
    let mut parcels = parts::parcels_of(tx, &order_ids).await?;
    // Most orders never have one.
    let with_refunds: Vec<_> = rows.iter().filter(|row| row.refunds > 0).map(|row| row.order_id).collect();
    let mut refunds = refunds::standing_of(tx, &with_refunds).await?;
    let whole = |row: OrderRow| {
        let order_id = row.order_id;
        let (lines, parcels) = (lines.remove(&order_id), parcels.remove(&order_id));
        let refunds = refunds.remove(&order_id).unwrap_or_default();
        row.into_order(lines.unwrap_or_default(), parcels.unwrap_or_default(), refunds)
    };
    rows.into_iter().map(whole).collect()
}

/// Orders to be shown, without their refunds: one may have a hundred, and no list of orders says anything of them.
pub(super) async fn complete_all_as_sold(tx: &mut Tx, mut rows: Vec<OrderRow>) -> Result<Vec<Order>, Error> {
    rows.iter_mut().for_each(|row| row.refunds = 0);
    complete_all(tx, rows).await
}

/// Takes an order that is due over: the former driver, if there is one, can commit nothing any more.
pub(crate) async fn claim(
    tx: &mut Tx,
    order_id: OrderId,
    driver: InstanceId,
    until: Moment,
    now: Moment,
) -> Result<Option<Order>, Error> {
    let row = tx
        .fetch_optional(
            &format!(
                "UPDATE orders SET lease_owner = ?2, lease_epoch = lease_epoch + 1, wake_at = ?3, version = version + 1
                 WHERE order_id = ?1 AND wake_at <= ?4 RETURNING {ORDER_COLUMNS}"
            ),
            params![order_id, driver, until, now],
        )
        .await?;
    complete(tx, row).await
}

/// What an order is driven for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// To come to its end.
    Order,
    /// It is at its end, and the money of its refunds goes back.
    Refunds,
}

/// Pieces are asked back only of orders that rest, so once there were `refunds` an order is due for their money alone: each that is due is
/// found by one of the two.
pub(super) const DUE: &str =
    "SELECT order_id FROM orders WHERE saga_state = ?1 AND wake_at IS NOT NULL AND wake_at <= ?2 AND refunds = 0
    ORDER BY wake_at LIMIT ?3";

/// In the words of its index, `orders_due_for_refunds`. `orders_due_in_state` leads there as well, and of two that are alike to it SQLite
/// takes the younger one.
pub(super) const DUE_FOR_REFUNDS: &str =
    "SELECT order_id FROM orders WHERE saga_state = ?1 AND wake_at IS NOT NULL AND wake_at <= ?2 AND refunds > 0
    ORDER BY wake_at LIMIT ?3";

/// Orders in a state of their saga that nobody drives and that are due for this work, the longest waiting first.
pub(crate) async fn due(
    tx: &mut Tx,
    state: SagaState,
    work: Work,
    now: Moment,
    limit: i64,
) -> Result<Vec<OrderId>, Error> {
    let sql = match work {
        Work::Order => DUE,
        Work::Refunds => DUE_FOR_REFUNDS,
    };
    let rows: Vec<(OrderId,)> = tx.fetch_all(sql, params![state, now, limit]).await?;
    Ok(rows.into_iter().map(|(order_id,)| order_id).collect())
}

/// Makes every order due that `former` held, or that any driver did. Says how many.
pub(crate) async fn take_over_former_leases(
    tx: &mut Tx,
    former: Option<InstanceId>,
    now: Moment,
) -> Result<u64, Error> {
    tx.execute(
        "UPDATE orders SET wake_at = ?1, version = version + 1
         WHERE wake_at IS NOT NULL AND wake_at > ?1 AND lease_owner IS NOT NULL AND (?2 IS NULL OR lease_owner = ?2)",
        params![now, former],
    )
    .await
}

/// Empties the addresses of a customer's orders that are at rest.
pub(crate) async fn forget_addresses(tx: &mut Tx, customer_id: AccountId, now: Moment) -> Result<(), Error> {
    let nowhere = Address::anonymous();
    tx.send(
        "UPDATE orders SET recipient = ?5, phone = ?6, postal_code = ?7, address_line1 = ?8, address_line2 = ?9,
            updated_at = ?4, version = version + 1
         WHERE customer_id = ?1 AND state IN (?2, ?3) AND recipient <> ?5",
        params![
            customer_id,
            Life::Completed,
            Life::Cancelled,
            now,
            nowhere.recipient,
            nowhere.phone,
            nowhere.postal_code,
            nowhere.line1,
            nowhere.line2,
        ],
    )
    .await
}

/// Payment has told what became of an order's money: if the order waits for that and nobody drives it, it is due now.
pub(crate) async fn wake_pending(tx: &mut Tx, order_id: OrderId, now: Moment) -> Result<(), Error> {
    tx.send(
        "UPDATE orders SET saga_state = 'RUNNING', parked_reason = NULL, failed_attempts = 0, refusals = 0,
            wake_at = ?2, version = version + 1
         WHERE order_id = ?1 AND lease_owner IS NULL AND state = 'PENDING'",
        params![order_id, now],
    )
    .await
}

/// Makes a pending order due that waits for its next attempt; one that is parked stays parked.
pub(crate) async fn wake_running(tx: &mut Tx, order_id: OrderId, now: Moment) -> Result<(), Error> {
    tx.send(
        "UPDATE orders SET wake_at = ?2, version = version + 1
         WHERE order_id = ?1 AND lease_owner IS NULL AND state = 'PENDING' AND saga_state = 'RUNNING'",
        params![order_id, now],
    )
    .await
}

/// The versions of some orders.
pub(crate) async fn versions(tx: &mut Tx, order_ids: &[OrderId]) -> Result<Vec<(OrderId, i64)>, Error> {
    tx.fetch_many("SELECT order_id, version FROM orders WHERE order_id IN ({?1})", &each(order_ids)).await
}
