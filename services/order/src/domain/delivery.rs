//! The parcels of an order, one a store.

use std::fmt;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, StoreId};

use super::{DeliveryId, Life, News, Order, OrderRefusal, RetryPolicy};

/// Where a parcel stands: AWAITING → IN_PROGRESS → DELIVERED, or AWAITING → CANCELLED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    Awaiting,
    InProgress,
    Delivered,
    Cancelled,
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Awaiting => "AWAITING",
            Self::InProgress => "IN_PROGRESS",
            Self::Delivered => "DELIVERED",
            Self::Cancelled => "CANCELLED",
        })
    }
}

/// The parcel that one store sends for one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) store_id: StoreId,
    pub(crate) seller_id: AccountId,
    pub(crate) state: DeliveryState,
    pub(crate) created_at: Moment,
    pub(crate) begun_at: Option<Moment>,
    pub(crate) completed_at: Option<Moment>,
    pub(crate) cancelled_at: Option<Moment>,
}

impl Order {
    /// One parcel for each store.
    pub(super) fn pack(&mut self, now: Moment) {
        let mut parcels: Vec<Delivery> = Vec::new();
        for sold in self.data.lines.iter().filter_map(|line| line.sold.as_ref()) {
            if parcels.iter().any(|parcel| parcel.store_id == sold.store_id) {
                continue;
            }
            parcels.push(Delivery {
                id: DeliveryId::derive(self.data.id.as_uuid(), &sold.store_id.to_string()),
                store_id: sold.store_id,
                seller_id: sold.seller_id,
                state: DeliveryState::Awaiting,
                created_at: now,
                begun_at: None,
                completed_at: None,
                cancelled_at: None,
            });
        }
        // In the order in which they are read again, so that every process shows them alike.
        parcels.sort_unstable_by_key(|parcel| parcel.id);
        self.data.deliveries = parcels;
    }

    /// The parcel, if it belongs to a store of the seller.
    ///
    /// # Errors
    /// `DELIVERY_NOT_FOUND`.
    pub(crate) fn parcel_of(&self, seller_id: AccountId, delivery_id: DeliveryId) -> Result<&Delivery, OrderRefusal> {
        self.deliveries
            .iter()
            .find(|parcel| parcel.id == delivery_id && parcel.seller_id == seller_id)
            .ok_or(OrderRefusal::DeliveryNotFound { delivery_id })
    }

    /// The parcel leaves the store.
    ///
    /// # Errors
    /// `DELIVERY_NOT_FOUND`, `DELIVERY_NOT_AWAITING`, `ORDER_NOT_CONFIRMED`.
    pub(crate) fn begin_delivery(
        &mut self,
        seller_id: AccountId,
        delivery_id: DeliveryId,
        now: Moment,
    ) -> Result<(), OrderRefusal> {
        let state = self.parcel_of(seller_id, delivery_id)?.state;
        if self.life == Life::Cancelling {
            return Err(OrderRefusal::OrderNotConfirmed { order_id: self.id, state: self.life });
        }
        if state != DeliveryState::Awaiting {
            return Err(OrderRefusal::DeliveryNotAwaiting { delivery_id, state });
        }
        self.change_parcel(delivery_id, |parcel| {
            parcel.state = DeliveryState::InProgress;
            parcel.begun_at = Some(now);
        });
        self.news.push(News::DeliveryBegun(delivery_id));
        Ok(())
    }

    /// The parcel has arrived. The last arrival completes the order.
    ///
    /// # Errors
    /// `DELIVERY_NOT_FOUND`, `DELIVERY_NOT_IN_PROGRESS`.
    pub(crate) fn complete_delivery(
        &mut self,
        seller_id: AccountId,
        delivery_id: DeliveryId,
        policy: &RetryPolicy,
        now: Moment,
    ) -> Result<(), OrderRefusal> {
        let state = self.parcel_of(seller_id, delivery_id)?.state;
        if state != DeliveryState::InProgress {
            return Err(OrderRefusal::DeliveryNotInProgress { delivery_id, state });
        }
        self.change_parcel(delivery_id, |parcel| {
            parcel.state = DeliveryState::Delivered;
            parcel.completed_at = Some(now);
        });
        self.news.push(News::DeliveryCompleted(delivery_id));
        if self.deliveries.iter().all(|parcel| parcel.state == DeliveryState::Delivered) {
            self.enter(Life::Completed, policy, now);
            self.news.push(News::Completed);
        }
        Ok(())
    }

    fn change_parcel(&mut self, delivery_id: DeliveryId, change: impl Fn(&mut Delivery)) {
        self.data.deliveries.iter_mut().filter(|parcel| parcel.id == delivery_id).for_each(change);
    }
}
