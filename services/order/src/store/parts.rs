//! The lines and parcels of an order.

use std::collections::HashMap;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, IssuedCouponId, ItemId, OptionId, OrderId, OrderLineId, StoreId};
use bojagi_store::{Bind, Error, Tx, Value, from_row, params};

use crate::domain::{Delivery, DeliveryId, DeliveryState, Line, Order, Sold};

struct LineRow {
    order_id: OrderId,
    order_line_id: OrderLineId,
    option_id: OptionId,
    quantity: i64,
    unit_price: i64,
    first_coupon_id: Option<IssuedCouponId>,
    second_coupon_id: Option<IssuedCouponId>,
    item_id: Option<ItemId>,
    store_id: Option<StoreId>,
    seller_id: Option<AccountId>,
    option_name: Option<String>,
    item_name: Option<String>,
    store_name: Option<String>,
    item_discount: i64,
    order_discount: i64,
    platform_discount: i64,
    seller_discount: i64,
}

from_row!(LineRow {
    order_id,
    order_line_id,
    option_id,
    quantity,
    unit_price,
    first_coupon_id,
    second_coupon_id,
    item_id,
    store_id,
    seller_id,
    option_name,
    item_name,
    store_name,
    item_discount,
    order_discount,
    platform_discount,
    seller_discount,
});

impl From<LineRow> for Line {
    fn from(row: LineRow) -> Self {
        let sold = match (row.item_id, row.store_id, row.seller_id) {
            (Some(item_id), Some(store_id), Some(seller_id)) => Some(Sold {
                item_id,
                store_id,
                seller_id,
                option_name: row.option_name.unwrap_or_default(),
                item_name: row.item_name.unwrap_or_default(),
                store_name: row.store_name.unwrap_or_default(),
                item_discount: row.item_discount,
                order_discount: row.order_discount,
                platform_discount: row.platform_discount,
                seller_discount: row.seller_discount,
            }),
            _ => None,
        };
        Self {
            id: row.order_line_id,
            option_id: row.option_id,
            quantity: row.quantity,
            unit_price: row.unit_price,
            coupons: row.first_coupon_id.into_iter().chain(row.second_coupon_id).collect(),
            sold,
        }
    }
}

pub(super) async fn insert_lines(tx: &mut Tx, order: &Order) -> Result<(), Error> {
    for (number, line) in (1_i64..).zip(&order.lines) {
        tx.send(
            "INSERT INTO order_line (order_id, line_number, order_line_id, option_id, quantity, unit_price,
                first_coupon_id, second_coupon_id, item_discount, order_discount, platform_discount, seller_discount)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, 0, 0)",
            params![
                order.id,
                number,
                line.id,
                line.option_id,
                line.quantity,
                line.unit_price,
                line.coupons.first(),
                line.coupons.get(1),
            ],
        )
        .await?;
    }
    Ok(())
}

/// Keeps what the lines turned out to be, and writes the parcels: part of the confirming commit.
pub(super) async fn confirm(tx: &mut Tx, order: &Order) -> Result<(), Error> {
    for (number, line) in (1_i64..).zip(&order.lines) {
        let Some(sold) = &line.sold else { continue };
        tx.send(
            "UPDATE order_line SET item_id = ?3, store_id = ?4, seller_id = ?5, option_name = ?6, item_name = ?7,
                store_name = ?8, item_discount = ?9, order_discount = ?10, platform_discount = ?11, seller_discount = ?12
             WHERE order_id = ?1 AND line_number = ?2",
            params![
                order.id,
                number,
                sold.item_id,
                sold.store_id,
                sold.seller_id,
                sold.option_name,
                sold.item_name,
                sold.store_name,
                sold.item_discount,
                sold.order_discount,
                sold.platform_discount,
                sold.seller_discount,
            ],
        )
        .await?;
    }
    for parcel in &order.deliveries {
        tx.send(
            "INSERT INTO delivery (delivery_id, order_id, store_id, seller_id, customer_id, state, created_at, cancelled_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                parcel.id,
                order.id,
                parcel.store_id,
                parcel.seller_id,
                order.customer_id,
                parcel.state,
                parcel.created_at,
                parcel.cancelled_at,
            ],
        )
        .await?;
    }
    Ok(())
}

/// Stores where the parcels stand.
pub(super) async fn update_parcels(tx: &mut Tx, order: &Order) -> Result<(), Error> {
    for parcel in &order.deliveries {
        tx.send(
            "UPDATE delivery SET state = ?2, begun_at = ?3, completed_at = ?4, cancelled_at = ?5 WHERE delivery_id = ?1",
            params![parcel.id, parcel.state, parcel.begun_at, parcel.completed_at, parcel.cancelled_at],
        )
        .await?;
    }
    Ok(())
}

/// The lines of each of these orders, in their order.
pub(super) async fn lines_of(tx: &mut Tx, order_ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Line>>, Error> {
    let rows: Vec<LineRow> = tx
        .fetch_many(
            "SELECT order_id, order_line_id, option_id, quantity, unit_price, first_coupon_id, second_coupon_id, item_id,
                store_id, seller_id, option_name, item_name, store_name, item_discount, order_discount,
                platform_discount, seller_discount
             FROM order_line WHERE order_id IN ({?1}) ORDER BY line_number",
            &each(order_ids),
        )
        .await?;
    Ok(by_order(rows.into_iter().map(|row| (row.order_id, Line::from(row)))))
}

struct ParcelRow {
    order_id: OrderId,
    delivery_id: DeliveryId,
    store_id: StoreId,
    seller_id: AccountId,
    state: DeliveryState,
    created_at: Moment,
    begun_at: Option<Moment>,
    completed_at: Option<Moment>,
    cancelled_at: Option<Moment>,
}

from_row!(ParcelRow {
    order_id,
    delivery_id,
    store_id,
    seller_id,
    state,
    created_at,
    begun_at,
    completed_at,
    cancelled_at,
});

/// The parcels of each of these orders, by their ids.
pub(super) async fn parcels_of(tx: &mut Tx, order_ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Delivery>>, Error> {
    let rows: Vec<ParcelRow> = tx
        .fetch_many(
            "SELECT order_id, delivery_id, store_id, seller_id, state, created_at, begun_at, completed_at, cancelled_at
             FROM delivery WHERE order_id IN ({?1}) ORDER BY delivery_id",
            &each(order_ids),
        )
        .await?;
    let parcel = |row: ParcelRow| Delivery {
        id: row.delivery_id,
        store_id: row.store_id,
        seller_id: row.seller_id,
        state: row.state,
        created_at: row.created_at,
        begun_at: row.begun_at,
        completed_at: row.completed_at,
        cancelled_at: row.cancelled_at,
    };
    Ok(by_order(rows.into_iter().map(|row| (row.order_id, parcel(row)))))
}

/// A row for each of these orders.
pub(super) fn each(order_ids: &[OrderId]) -> Vec<Vec<Value<'_>>> {
    order_ids.iter().map(|order_id| vec![order_id.bind()]).collect()
}

/// What belongs to an order comes from one statement, so it stays in the order in which that answered it.
fn by_order<T>(parts: impl Iterator<Item = (OrderId, T)>) -> HashMap<OrderId, Vec<T>> {
    let mut of_orders: HashMap<OrderId, Vec<T>> = HashMap::new();
    for (order_id, part) in parts {
        of_orders.entry(order_id).or_default().push(part);
    }
    of_orders
}
