//! Adapters: what is asked becomes a use case, what comes of it becomes an answer. No rules here.

mod cart_service;
mod delivery_service;
mod drafts;
mod my_page_service;
mod order_service;
mod place;
mod refund_service;
mod saga_service;

pub(crate) use cart_service::CartRpc;
pub(crate) use delivery_service::DeliveryRpc;
pub(crate) use my_page_service::MyPageRpc;
pub(crate) use order_service::OrderRpc;
pub(crate) use refund_service::RefundRpc;
pub(crate) use saga_service::{SagaRpc, saga_message};

use bojagi_api::order as api;
use bojagi_chassis::Fields;
use bojagi_kernel::id::OrderId;

use crate::domain::{DeliveryId, DeliveryState, Life, Order, SagaState, Stage};
use crate::wire;

/// An order state as a filter: `Some(None)` is every state.
fn stage_filter(fields: &mut Fields, field: &str, state: i32) -> Option<Option<Stage>> {
    match api::OrderState::try_from(state) {
        Ok(api::OrderState::Unspecified) => Some(None),
        Ok(api::OrderState::Draft) => Some(Some(Stage::Draft)),
        Ok(state) => Some(Life::ALL.into_iter().find(|life| wire::life(*life) == state).map(Stage::Placed)),
        Err(_) => {
            fields.wrong(field, "is no state");
            None
        }
    }
}

/// The state of an order that was placed as a filter.
fn life_filter(fields: &mut Fields, field: &str, state: i32) -> Option<Option<Life>> {
    match stage_filter(fields, field, state)? {
        None => Some(None),
        Some(Stage::Placed(life)) => Some(Some(life)),
        Some(Stage::Draft) => {
            fields.wrong(field, "is no state of an order that was placed");
            None
        }
    }
}

/// A delivery state as a filter.
fn delivery_filter(fields: &mut Fields, field: &str, state: i32) -> Option<Option<DeliveryState>> {
    match api::DeliveryState::try_from(state) {
        Ok(api::DeliveryState::Unspecified) => Some(None),
        Ok(api::DeliveryState::Awaiting) => Some(Some(DeliveryState::Awaiting)),
        Ok(api::DeliveryState::InProgress) => Some(Some(DeliveryState::InProgress)),
        Ok(api::DeliveryState::Delivered) => Some(Some(DeliveryState::Delivered)),
        Ok(api::DeliveryState::Cancelled) => Some(Some(DeliveryState::Cancelled)),
        Err(_) => {
            fields.wrong(field, "is no state");
            None
        }
    }
}

/// A saga state as a filter.
fn saga_filter(fields: &mut Fields, field: &str, state: i32) -> Option<Option<SagaState>> {
    match api::SagaState::try_from(state) {
        Ok(api::SagaState::Unspecified) => Some(None),
        Ok(api::SagaState::Running) => Some(Some(SagaState::Running)),
        Ok(api::SagaState::Parked) => Some(Some(SagaState::Parked)),
        Ok(api::SagaState::Done) => Some(Some(SagaState::Done)),
        Err(_) => {
            fields.wrong(field, "is no state");
            None
        }
    }
}

/// The place of a parcel in a list, as page tokens carry it.
fn parcel_cursor((parcel, order): &(DeliveryId, Order)) -> (String, String) {
    (order.id.to_string(), parcel.to_string())
}

fn parcel_place((order, parcel): (String, String)) -> Option<(OrderId, DeliveryId)> {
    Some((order.parse().ok()?, parcel.parse().ok()?))
}
