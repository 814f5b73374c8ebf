//! Adapters: what is asked becomes a use case, what comes of it becomes an answer. No rules here.

mod delivery_service;
mod order_service;
mod place;
mod saga_service;

pub(crate) use delivery_service::DeliveryRpc;
pub(crate) use order_service::OrderRpc;
pub(crate) use saga_service::{SagaRpc, saga_message};

use bojagi_api::order as api;
use bojagi_chassis::Fields;
use bojagi_kernel::Failure;

use crate::domain::{DeliveryState, Life, SagaState};
use crate::{NAME, wire};

/// An order state as a filter: `Some(None)` is every state.
fn life_filter(fields: &mut Fields, field: &str, state: i32) -> Option<Option<Life>> {
    match api::OrderState::try_from(state) {
        Ok(api::OrderState::Unspecified) => Some(None),
        Ok(state) => Some(Life::ALL.into_iter().find(|life| wire::life(*life) == state)),
        Err(_) => {
            fields.wrong(field, "is no state");
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

/// One id that a request names.
fn one_id<T: std::str::FromStr<Err: std::fmt::Display>>(field: &str, text: &str) -> Result<T, Failure> {
    let mut fields = Fields::new(NAME);
    fields.id(field, text).ok_or_else(|| fields.refuse())
}

/// Cuts a list that was read one longer than the page, and says whether there is more.
fn cut<T>(mut listed: Vec<T>, size: i64) -> (Vec<T>, bool) {
    let size = usize::try_from(size).unwrap_or_default();
    let more = listed.len() > size;
    listed.truncate(size);
    (listed, more)
}
