//! Lists of orders, parcels and sagas, walked along ids that sort by age.

use std::collections::HashSet;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OrderId, StoreId};
use bojagi_store::{Bind, Error, Filter, Tx, Value};

use super::orders::{complete_all, complete_all_as_sold, load_all_as_sold};
use super::rows::{ORDER_COLUMNS, OrderRow};
use crate::domain::{DeliveryId, DeliveryState, Life, Order, SagaState};

/// Which orders of a customer to list; a range contains its start and not its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderFilter {
    pub(crate) state: Option<Life>,
    pub(crate) placed_from: Option<Moment>,
    pub(crate) placed_before: Option<Moment>,
}

/// Orders of a customer without their refunds, newest first, after the one at which the page before ended.
pub(crate) async fn of_customer(
    tx: &mut Tx,
    customer_id: AccountId,
    wanted: OrderFilter,
    after: Option<OrderId>,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    let mut filter = Filter::new();
    filter.and("customer_id = ?", [customer_id.bind()]);
    filter.and_if("state = ?", wanted.state.as_ref());
    filter.and_if("created_at >= ?", wanted.placed_from.as_ref());
    filter.and_if("created_at < ?", wanted.placed_before.as_ref());
    filter.and_if("order_id < ?", after.as_ref());
    let (sql, params) = filter.statement(&format!("SELECT {ORDER_COLUMNS} FROM orders"), "order_id DESC", limit);
    fetch(tx, &sql, &params).await
}

/// The newest orders of a customer that have not come to their end, without their refunds.
pub(crate) async fn open_of_customer(tx: &mut Tx, customer_id: AccountId, limit: i64) -> Result<Vec<Order>, Error> {
    let mut filter = Filter::new();
    filter.and("customer_id = ?", [customer_id.bind()]);
    filter.and("state IN (?, ?, ?)", [Life::Pending.bind(), Life::Confirmed.bind(), Life::Cancelling.bind()]);
    let (sql, params) = filter.statement(&format!("SELECT {ORDER_COLUMNS} FROM orders"), "order_id DESC", limit);
    fetch(tx, &sql, &params).await
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

/// Parcels with their orders, those without their refunds, newest order first, after the one at which the page before ended.
pub(crate) async fn parcels(
    tx: &mut Tx,
    wanted: &ParcelFilter,
    after: Option<(OrderId, DeliveryId)>,
    limit: i64,
) -> Result<Vec<(DeliveryId, Order)>, Error> {
    let (sql, params) = parcels_statement(wanted, after.as_ref(), limit);
    let rows: Vec<(DeliveryId, OrderId)> = tx.fetch_all(&sql, &params).await?;
    let order_ids: HashSet<_> = rows.iter().map(|(_, order_id)| *order_id).collect();
    let orders = load_all_as_sold(tx, &order_ids.into_iter().collect::<Vec<_>>()).await?;
    let with_order = |(delivery_id, order_id)| Ok((delivery_id, orders.get(&order_id).cloned().ok_or(Error::NoRow)?));
    rows.into_iter().map(with_order).collect()
}

fn parcels_statement<'a>(
    wanted: &'a ParcelFilter,
    after: Option<&'a (OrderId, DeliveryId)>,
    limit: i64,
) -> (String, Vec<Value<'a>>) {
    let mut filter = Filter::new();
    match (&wanted.customer, &wanted.seller) {
        (Some(customer), Some(seller)) => {
            filter.and("(d.customer_id = ? OR d.seller_id = ?)", [customer.bind(), seller.bind()]);
        }
        (customer, seller) => {
            filter.and_if("d.customer_id = ?", customer.as_ref());
            filter.and_if("d.seller_id = ?", seller.as_ref());
        }
    }
    filter.and_if("d.order_id = ?", wanted.order.as_ref());
    filter.and_if("d.store_id = ?", wanted.store.as_ref());
    filter.and_if("d.state = ?", wanted.state.as_ref());
    filter.and_if("o.state = ?", wanted.order_state.as_ref());
    filter.and_if("o.created_at >= ?", wanted.placed_from.as_ref());
    filter.and_if("o.created_at < ?", wanted.placed_before.as_ref());
    filter.and_if("d.created_at >= ?", wanted.confirmed_from.as_ref());
    filter.and_if("d.created_at < ?", wanted.confirmed_before.as_ref());
    if let Some((order_id, delivery_id)) = after {
        filter.and("(d.order_id, d.delivery_id) < (?, ?)", [order_id.bind(), delivery_id.bind()]);
    }
    filter.statement(
        "SELECT d.delivery_id, d.order_id FROM delivery d JOIN orders o ON o.order_id = d.order_id",
        "d.order_id DESC, d.delivery_id DESC",
        limit,
    )
}

/// Which sagas to list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SagaFilter {
    pub(crate) state: Option<SagaState>,
    /// Only those that were under way at this moment, or before it.
    pub(crate) since: Option<Moment>,
}

/// Since when there is work for an order: since it was placed, or, once it has rested and is driven for its refunds alone, since the
/// oldest of those was approved whose money is owed. Days lie between the two, and they are nobody's delay.
const SINCE: &str = "CASE WHEN orders.state IN ('CONFIRMED', 'COMPLETED') AND orders.saga_state <> 'DONE'
    THEN (SELECT min(refund.decided_at) FROM refund
        WHERE refund.order_id = orders.order_id AND refund.money IN ('REFUNDING', 'PARKED'))
    ELSE orders.created_at END";

/// Sagas, without what they give back, oldest first, after the one at which the page before ended.
pub(crate) async fn sagas(
    tx: &mut Tx,
    wanted: SagaFilter,
    after: Option<OrderId>,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    let (sql, params) = sagas_statement(&wanted, after.as_ref(), limit);
    fetch(tx, &sql, &params).await
}

fn sagas_statement<'a>(wanted: &'a SagaFilter, after: Option<&'a OrderId>, limit: i64) -> (String, Vec<Value<'a>>) {
    let mut filter = Filter::new();
    // Open sagas are few among many that are done, and have an index of their own. SQLite takes it only if it is told in the
    // words of the index that the others are not asked for.
    if wanted.state.is_some_and(|state| state != SagaState::Done) {
        filter.and("saga_state <> 'DONE'", []);
    }
    filter.and_if("saga_state = ?", wanted.state.as_ref());
    filter.and_if(&format!("{SINCE} <= ?"), wanted.since.as_ref());
    filter.and_if("order_id > ?", after);
    filter.statement(&format!("SELECT {ORDER_COLUMNS} FROM orders"), "order_id", limit)
}

/// The sagas that are not done, by state: how many there are, and since when there is work for the oldest. Nothing, if all that is
/// left of it is to be let go.
pub(crate) async fn open_sagas(tx: &mut Tx) -> Result<Vec<(SagaState, i64, Option<Moment>)>, Error> {
    let sql =
        format!("SELECT saga_state, count(*), min({SINCE}) FROM orders WHERE saga_state <> 'DONE' GROUP BY saga_state");
    tx.fetch_all(&sql, &[]).await
}

/// Orders of a customer that may still be cancelled, oldest first, after the one at which the page before ended.
pub(crate) async fn cancellable_of(
    tx: &mut Tx,
    customer_id: AccountId,
    after: Option<OrderId>,
    limit: i64,
) -> Result<Vec<Order>, Error> {
    let mut filter = Filter::new();
    filter.and("customer_id = ?", [customer_id.bind()]);
    filter.and("state IN (?, ?)", [Life::Pending.bind(), Life::Confirmed.bind()]);
    filter.and_if("order_id > ?", after.as_ref());
    let (sql, params) = filter.statement(&format!("SELECT {ORDER_COLUMNS} FROM orders"), "order_id", limit);
    let rows: Vec<OrderRow> = tx.fetch_all(&sql, &params).await?;
    complete_all(tx, rows).await
}

async fn fetch(tx: &mut Tx, sql: &str, params: &[Value<'_>]) -> Result<Vec<Order>, Error> {
    let rows: Vec<OrderRow> = tx.fetch_all(sql, params).await?;
    complete_all_as_sold(tx, rows).await
}

#[cfg(test)]
mod tests {
    use bojagi_store::{Options, Store, params};
    use bojagi_testkit::{Explain, Rig};

    use super::super::orders::{DUE, DUE_FOR_REFUNDS};
    use super::*;
    use crate::MIGRATIONS;
    use crate::domain::samples::NOW;

    #[tokio::test]
    async fn what_is_to_be_done_is_found_without_a_look_at_all_that_was_done() {
        let rig = Rig::new();
        let options = Options::at(rig.folder().join("plans.sqlite"));
        let store = Store::open(&options, MIGRATIONS, rig.clock.as_ref()).await.unwrap();
        let explain = Explain::on(&store);
        let walks = async move |tx: &mut Tx| -> Result<Vec<(&str, String)>, Error> {
            let mut walks = Vec::new();
            for place in [None, Some((OrderId::generate(), DeliveryId::generate()))] {
                for state in [SagaState::Running, SagaState::Parked] {
                    for (index, sql) in [
                        ("orders_due_in_state (saga_state=? AND wake_at>? AND wake_at<?", DUE),
                        ("orders_due_for_refunds (saga_state=? AND wake_at>? AND wake_at<?", DUE_FOR_REFUNDS),
                    ] {
                        walks.push((index, explain.plan(tx, sql, params![state, NOW, 20_i64]).await?));
                    }
                    let after = place.as_ref().map(|(order_id, _)| order_id);
                    for since in [None, Some(NOW)] {
                        let open = SagaFilter { state: Some(state), since };
                        let (sql, params) = sagas_statement(&open, after, 20);
                        let walk = explain.plan(tx, &sql, &params).await?;
                        if since.is_some() {
                            walks.push(("refund_owed (order_id=?", walk.clone()));
                        }
                        walks.push(("orders_with_open_saga (saga_state=?", walk));
                    }
                }
                let seller = Some(AccountId::generate());
                let awaiting = ParcelFilter { seller, state: Some(DeliveryState::Awaiting), ..ParcelFilter::default() };
                let (sql, params) = parcels_statement(&awaiting, place.as_ref(), 20);
                let walk = explain.plan(tx, &sql, &params).await?;
                walks.push(("delivery_of_seller_in_state (seller_id=? AND state=?", walk));
            }
            Ok(walks)
        };
        let walks = store.read(walks).await.unwrap();
        for (index, walk) in walks {
            assert!(walk.contains(index) && !walk.contains("TEMP B-TREE"), "{walk}");
        }
    }
}
