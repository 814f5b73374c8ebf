//! Lists of orders, parcels and sagas, walked along ids that sort by age.

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OrderId, StoreId};
use bojagi_store::{Error, Tx, Value, params};

use super::orders::{CANCELLABLE, complete};
use super::rows::{ORDER_COLUMNS, OrderRow};
use crate::domain::{DeliveryId, DeliveryState, Life, Order, SagaState};

/// Which orders of a customer to list; a range contains its start and not its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderFilter {
    pub(crate) state: Option<Life>,
    pub(crate) placed_from: Option<Moment>,
    pub(crate) placed_before: Option<Moment>,
}

/// Orders of a customer, newest first, after the one at which the page before ended.
pub(crate) async fn of_customer(
    tx: &mut Tx,
    customer_id: AccountId,
    filter: OrderFilter,
    after: Option<OrderId>,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    fetch(
        tx,
        &format!(
            "SELECT {ORDER_COLUMNS} FROM orders
             WHERE customer_id = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR created_at >= ?3)
               AND (?4 IS NULL OR created_at < ?4) AND (?5 IS NULL OR order_id < ?5)
             ORDER BY order_id DESC LIMIT ?6"
        ),
        params![customer_id, filter.state, filter.placed_from, filter.placed_before, after, limit],
    )
    .await
}

/// Which parcels to list.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ParcelFilter {
    /// Only those of this customer's orders, or, together with `seller`, of either.
    pub(crate) customer: Option<AccountId>,
    /// Only those of this seller's stores.
    pub(crate) seller: Option<AccountId>,
    pub(crate) order: Option<OrderId>,
    pub(crate) store: Option<StoreId>,
    pub(crate) state: Option<DeliveryState>,
    pub(crate) order_state: Option<Life>,
    pub(crate) placed_from: Option<Moment>,
    pub(crate) placed_before: Option<Moment>,
    pub(crate) confirmed_from: Option<Moment>,
    pub(crate) confirmed_before: Option<Moment>,
}

/// Parcels with their orders, newest order first, after the one at which the page before ended.
pub(crate) async fn parcels(
    tx: &mut Tx,
    filter: &ParcelFilter,
    after: Option<(OrderId, DeliveryId)>,
    limit: i64,
) -> Result<Vec<(DeliveryId, Order)>, Error> {
    let (after_order, after_parcel) = after.unzip();
    let rows: Vec<(DeliveryId, OrderId)> = tx
        .fetch_all(
            "SELECT d.delivery_id, d.order_id FROM delivery d JOIN orders o ON o.order_id = d.order_id
             WHERE (d.customer_id = ?1 OR d.seller_id = ?2) AND (?3 IS NULL OR d.order_id = ?3)
               AND (?4 IS NULL OR d.store_id = ?4) AND (?5 IS NULL OR d.state = ?5) AND (?6 IS NULL OR o.state = ?6)
               AND (?7 IS NULL OR o.created_at >= ?7) AND (?8 IS NULL OR o.created_at < ?8)
               AND (?9 IS NULL OR d.created_at >= ?9) AND (?10 IS NULL OR d.created_at < ?10)
               AND (?11 IS NULL OR (d.order_id, d.delivery_id) < (?11, ?12))
             ORDER BY d.order_id DESC, d.delivery_id DESC LIMIT ?13",
            params![
                filter.customer,
                filter.seller,
                filter.order,
                filter.store,
                filter.state,
                filter.order_state,
                filter.placed_from,
                filter.placed_before,
                filter.confirmed_from,
                filter.confirmed_before,
                after_order,
                after_parcel,
                limit,
            ],
        )
        .await?;
    let mut parcels = Vec::with_capacity(rows.len());
    for (delivery_id, order_id) in rows {
        let order = super::load(tx, order_id).await?.ok_or(Error::NoRow)?;
        parcels.push((delivery_id, order));
    }
    Ok(parcels)
}

/// Which sagas to list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SagaFilter {
    pub(crate) state: Option<SagaState>,
    /// Only those of orders placed at or before this moment.
    pub(crate) placed_until: Option<Moment>,
}

/// Sagas, oldest first, after the one at which the page before ended.
pub(crate) async fn sagas(
    tx: &mut Tx,
    filter: SagaFilter,
    after: Option<OrderId>,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    // Open sagas are few among many that are done, and have an index of their own.
    let by_state = match filter.state {
        Some(SagaState::Running) => "saga_state = 'RUNNING' AND",
        Some(SagaState::Parked) => "saga_state = 'PARKED' AND",
        Some(SagaState::Done) => "saga_state = 'DONE' AND",
        None => "",
    };
    fetch(
        tx,
        &format!(
            "SELECT {ORDER_COLUMNS} FROM orders WHERE {by_state} (?1 IS NULL OR created_at <= ?1)
               AND (?2 IS NULL OR order_id > ?2) ORDER BY order_id LIMIT ?3"
        ),
        params![filter.placed_until, after, limit],
    )
    .await
}

/// The sagas that are not done, by state: how many there are, and when the oldest of their orders was placed.
pub(crate) async fn open_sagas(tx: &mut Tx) -> Result<Vec<(SagaState, i64, Moment)>, Error> {
    tx.fetch_all(
        "SELECT saga_state, count(*), min(created_at) FROM orders WHERE saga_state <> 'DONE' GROUP BY saga_state",
        &[],
    )
    .await
}

/// Orders of a customer that may still be cancelled.
pub(crate) async fn cancellable_of(tx: &mut Tx, customer_id: AccountId) -> Result<Vec<Order>, Error> {
    fetch(
        tx,
        &format!("SELECT {ORDER_COLUMNS} FROM orders WHERE customer_id = ?1 AND state IN (?2, ?3) ORDER BY order_id"),
        params![customer_id, CANCELLABLE[0], CANCELLABLE[1]],
    )
    .await
}

/// Orders of a customer that are at rest and still hold an address.
pub(crate) async fn resting_with_address(tx: &mut Tx, customer_id: AccountId) -> Result<Vec<Order>, Error> {
    fetch(
        tx,
        &format!(
            "SELECT {ORDER_COLUMNS} FROM orders WHERE customer_id = ?1 AND state IN (?2, ?3) AND recipient <> ''
             ORDER BY order_id"
        ),
        params![customer_id, Life::Completed, Life::Cancelled],
    )
    .await
}

async fn fetch(tx: &mut Tx, sql: &str, params: &[Value<'_>]) -> Result<Vec<Order>, Error> {
    let rows: Vec<OrderRow> = tx.fetch_all(sql, params).await?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in rows {
        orders.extend(complete(tx, Some(row)).await?);
    }
    Ok(orders)
}
