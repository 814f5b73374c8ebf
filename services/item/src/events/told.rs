//! Facts told, each in the unit of work that makes it true.

use bojagi_api::item as api;
use bojagi_chassis::wire;
use bojagi_events::{Told, tell, tell_all};
use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OptionId, OrderId, StoreId};
use bojagi_store::{Error, Tx};
use bojagi_telemetry::TraceContext;

use crate::domain::catalogue::{Item, Store};
use crate::domain::hold::HoldState;
use crate::domain::options::ItemOption;
use crate::domain::refund::RefundId;
use crate::domain::stock::{Movement, Stock};
use crate::rpc::show;
use crate::store::options::Owner;

pub(crate) async fn store_created(tx: &mut Tx, store: &Store, now: Moment) -> Result<(), Error> {
    let fact = api::StoreCreated {
        store_id: store.store_id.to_string(),
        seller_id: store.seller_id.to_string(),
        name: store.name.clone(),
    };
    tell(tx, store.store_id.into(), &fact, now).await.map(drop)
}

pub(crate) async fn store_updated(tx: &mut Tx, store: &Store, now: Moment) -> Result<(), Error> {
    let fact = api::StoreUpdated {
        store_id: store.store_id.to_string(),
        seller_id: store.seller_id.to_string(),
        name: store.name.clone(),
    };
    tell(tx, store.store_id.into(), &fact, now).await.map(drop)
}

/// Stores of one seller.
pub(crate) async fn stores_deleted(
    tx: &mut Tx,
    seller_id: AccountId,
    stores: &[StoreId],
    now: Moment,
) -> Result<(), Error> {
    let facts = stores.iter().map(|store_id| Told {
        aggregate_id: (*store_id).into(),
        trace: tx.trace().cloned(),
        fact: api::StoreDeleted { store_id: store_id.to_string(), seller_id: seller_id.to_string() },
    });
    let facts: Vec<_> = facts.collect();
    tell_all(tx, &facts, now).await
}

pub(crate) async fn item_created(tx: &mut Tx, item: &Item, now: Moment) -> Result<(), Error> {
    tell(tx, item.item_id.into(), &api::ItemCreated { item: Some(snapshot(item, &[])) }, now).await.map(drop)
}

/// `retired` are the options that this change took off the item.
pub(crate) async fn item_updated(tx: &mut Tx, item: &Item, retired: &[ItemOption], now: Moment) -> Result<(), Error> {
    tell(tx, item.item_id.into(), &api::ItemUpdated { item: Some(snapshot(item, retired)) }, now).await.map(drop)
}

/// Each item with the options that were active until now.
pub(crate) async fn items_deleted(
    tx: &mut Tx,
    items: impl IntoIterator<Item = (Owner, Vec<OptionId>)>,
    now: Moment,
) -> Result<(), Error> {
    let facts = items.into_iter().map(|(Owner { item_id, store_id, seller_id }, retired)| Told {
        aggregate_id: item_id.into(),
        trace: tx.trace().cloned(),
        fact: api::ItemDeleted {
            item_id: item_id.to_string(),
            store_id: store_id.to_string(),
            seller_id: seller_id.to_string(),
            option_ids: retired.iter().map(ToString::to_string).collect(),
        },
    });
    let facts: Vec<_> = facts.collect();
    tell_all(tx, &facts, now).await
}

pub(crate) async fn stock_adjusted(
    tx: &mut Tx,
    owner: Owner,
    delta: i64,
    stock: &Stock,
    now: Moment,
) -> Result<(), Error> {
    let fact = api::StockAdjusted {
        option_id: stock.option_id.to_string(),
        item_id: owner.item_id.to_string(),
        store_id: owner.store_id.to_string(),
        delta,
        stock: Some(show::stock(stock)),
    };
    tell(tx, stock.option_id.into(), &fact, now).await.map(drop)
}

/// Each order with what it took, in the trace of its own call.
pub(crate) async fn stock_reserved<'a>(
    tx: &mut Tx,
    orders: impl IntoIterator<Item = (OrderId, Option<TraceContext>, &'a [Movement])>,
    now: Moment,
) -> Result<(), Error> {
    let facts = orders.into_iter().map(|(order_id, trace, moved)| Told {
        aggregate_id: order_id.into(),
        trace,
        fact: api::StockReserved { order_id: order_id.to_string(), movements: movements(moved) },
    });
    tell_all(tx, &facts.collect::<Vec<_>>(), now).await
}

pub(crate) async fn stock_sold(tx: &mut Tx, order_id: OrderId, moved: &[Movement], now: Moment) -> Result<(), Error> {
    let fact = api::StockSold { order_id: order_id.to_string(), movements: movements(moved) };
    tell(tx, order_id.into(), &fact, now).await.map(drop)
}

/// `released_from` is `None` when nothing was held.
pub(crate) async fn stock_released(
    tx: &mut Tx,
    order_id: OrderId,
    moved: &[Movement],
    released_from: Option<HoldState>,
    now: Moment,
) -> Result<(), Error> {
    let fact = api::StockReleased {
        order_id: order_id.to_string(),
        movements: movements(moved),
        released_from: released_from.map_or(api::HoldState::Unspecified, show::hold_state).into(),
    };
    tell(tx, order_id.into(), &fact, now).await.map(drop)
}

pub(crate) async fn stock_restocked(
    tx: &mut Tx,
    order_id: OrderId,
    refund_id: RefundId,
    moved: &[Movement],
    now: Moment,
) -> Result<(), Error> {
    let (refund_id, movements) = (refund_id.to_string(), movements(moved));
    let fact = api::StockRestocked { order_id: order_id.to_string(), refund_id, movements };
    tell(tx, order_id.into(), &fact, now).await.map(drop)
}

pub(crate) async fn hold_overdue(
    tx: &mut Tx,
    order_id: OrderId,
    reserved_at: Moment,
    held: &[Movement],
    now: Moment,
) -> Result<(), Error> {
    let fact = api::HoldOverdue {
        order_id: order_id.to_string(),
        reserved_at: Some(wire::timestamp(reserved_at)),
        movements: movements(held),
    };
    tell(tx, order_id.into(), &fact, now).await.map(drop)
}

fn snapshot(item: &Item, retired: &[ItemOption]) -> api::ItemSnapshot {
    let options = item.options.iter().chain(retired).map(|option| api::OptionSnapshot {
        option_id: option.option_id.to_string(),
        name: option.name.clone(),
        price: Some(wire::money(option.price)),
        state: show::option_state(option.state).into(),
        sale_window: show::sale_window(option.window),
    });
    api::ItemSnapshot {
        item_id: item.item_id.to_string(),
        store_id: item.store_id.to_string(),
        seller_id: item.seller_id.to_string(),
        category_id: item.category_id.to_string(),
        name: item.name.clone(),
        options: options.collect(),
    }
}

fn movements(moved: &[Movement]) -> Vec<api::StockMovement> {
    let shown = moved.iter().map(|movement| api::StockMovement {
        option_id: movement.option_id.to_string(),
        item_id: movement.item_id.to_string(),
        quantity: movement.quantity,
        available: movement.available,
    });
    shown.collect()
}
