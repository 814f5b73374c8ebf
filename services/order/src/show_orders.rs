//! Showing orders: one, many, their history, and as they change.

use std::sync::Arc;

use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;
use futures::Stream;

use crate::cancel_order::own;
use crate::domain::{DeliveryId, Draft, Order, OrderRefusal};
use crate::orders::Orders;
use crate::store::{self, Change, MoneyTotal, OrderFilter, ParcelFilter, drafts};

/// What a customer is shown as an order.
pub(crate) enum Shown {
    Draft(Draft),
    Order(Box<Order>),
}

impl Shown {
    pub(crate) fn id(&self) -> OrderId {
        match self {
            Self::Draft(draft) => draft.id,
            Self::Order(order) => order.id,
        }
    }
}

/// Which of a customer's orders to list.
pub(crate) struct Wanted {
    /// Whether their draft is among them.
    pub(crate) draft: bool,
    /// Which of those that were placed, if any.
    pub(crate) orders: Option<OrderFilter>,
}

impl Orders {
    /// One of the customer's orders, or their draft, or the order that a draft of this id became.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`.
    pub(crate) async fn show(&self, customer_id: AccountId, order_id: OrderId) -> Result<Shown, Failure> {
        let read = async move |tx: &mut Tx| match own_or_draft(tx, customer_id, order_id).await {
            Err(not_found) => match drafts::order_of(tx, order_id).await? {
                Some(became) => own_or_draft(tx, customer_id, became).await.or(Err(not_found)),
                None => Err(not_found),
            },
            shown => shown,
        };
        self.context.store.read(read).await
    }

    /// The customer's orders, newest first, with their draft where its age puts it, which may make them one more than `limit`.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn list(
        &self,
        customer_id: AccountId,
        wanted: Wanted,
        after: Option<OrderId>,
        limit: i64,
    ) -> Result<Vec<Shown>, Failure> {
        let listed = async move |tx: &mut Tx| {
            let mut shown = Vec::new();
            if let Some(filter) = wanted.orders {
                let orders = store::of_customer(tx, customer_id, filter, after, limit).await?;
                shown.extend(orders.into_iter().map(|order| Shown::Order(Box::new(order))));
            }
            if wanted.draft
                && let Some(draft) = drafts::of_customer(tx, customer_id).await?
                && after.is_none_or(|after| draft.id < after)
            {
                let place = shown.partition_point(|newer| newer.id() > draft.id);
                shown.insert(place, Shown::Draft(draft));
            }
            Ok(shown)
        };
        self.context.store.read(listed).await
    }

    /// The parcels that the filter lets through, each with its order; newest order first.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn list_parcels(
        &self,
        filter: ParcelFilter,
        after: Option<(OrderId, DeliveryId)>,
        limit: i64,
    ) -> Result<Vec<(DeliveryId, Order)>, Failure> {
        self.context.store.read(async move |tx: &mut Tx| Ok(store::parcels(tx, &filter, after, limit).await?)).await
    }

    /// Every state that one of the customer's orders has entered, oldest first.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`.
    pub(crate) async fn history(
        &self,
        customer_id: AccountId,
        order_id: OrderId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Change>, Failure> {
        let read = async move |tx: &mut Tx| {
            own_or_draft(tx, customer_id, order_id).await?;
            Ok(store::history_of(tx, order_id, after, limit).await?)
        };
        self.context.store.read(read).await
    }

    /// One of the customer's orders as it is now, then again after each change, until it is at rest. A process that is about to
    /// end breaks off with a failure, so that nobody takes the last sight for the end of the order.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `ORDER_NOT_PLACED`.
    pub(crate) async fn watch(
        &self,
        customer_id: AccountId,
        order_id: OrderId,
    ) -> Result<impl Stream<Item = Result<Arc<Order>, Failure>> + Send + use<>, Failure> {
        let mut watcher = self.notices.watch(order_id);
        let first = self.context.store.read(async move |tx: &mut Tx| own(tx, customer_id, order_id).await).await?;
        let stop = self.context.stop.clone();
        Ok(async_stream::stream! {
            let mut seen = first.version;
            let mut at_rest = first.life.at_rest();
            yield Ok(Arc::new(first));
            while !at_rest {
                let next = tokio::select! {
                    () = stop.cancelled() => None,
                    order = watcher.next() => Some(order),
                };
                let Some(order) = next else {
                    yield Err(Failure::Unavailable("the shop is closing".into()));
                    return;
                };
                if order.version > seen {
                    (seen, at_rest) = (order.version, order.life.at_rest());
                    yield Ok(order);
                }
            }
        })
    }

    /// What orders were paid and what was given back before a moment, by currency.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn money_totals(&self, as_of: Moment) -> Result<Vec<MoneyTotal>, Failure> {
        self.context.store.read(async move |tx: &mut Tx| Ok(store::money_totals(tx, as_of).await?)).await
    }
}

/// The customer's order, or their draft.
///
/// # Errors
/// `ORDER_NOT_FOUND`, also for what is somebody else's.
pub(crate) async fn own_or_draft(tx: &mut Tx, customer_id: AccountId, order_id: OrderId) -> Result<Shown, Failure> {
    if let Some(order) = store::load(tx, order_id).await?.filter(|order| order.customer_id == customer_id) {
        return Ok(Shown::Order(Box::new(order)));
    }
    let draft = drafts::of_customer(tx, customer_id).await?.filter(|draft| draft.id == order_id);
    draft.map(Shown::Draft).ok_or_else(|| OrderRefusal::OrderNotFound { order_id }.into())
}
