//! What the wire is shown.

use bojagi_api::common::TimeRange;
use bojagi_api::item as api;
use bojagi_chassis::wire;

use crate::domain::catalogue::{Category, Item, Store};
use crate::domain::hold::{HeldLine, HoldState};
use crate::domain::options::{ItemOption, OptionState, SaleWindow};
use crate::domain::stock::Stock;

pub(crate) fn store(store: &Store) -> api::Store {
    api::Store {
        store_id: store.store_id.to_string(),
        seller_id: store.seller_id.to_string(),
        name: store.name.clone(),
        description: store.description.clone(),
        created_at: Some(wire::timestamp(store.created_at)),
        updated_at: Some(wire::timestamp(store.updated_at)),
        followers: store.followers,
    }
}

pub(crate) fn category(category: &Category) -> api::Category {
    api::Category { category_id: category.category_id.to_string(), name: category.name.clone() }
}

pub(crate) fn item(item: &Item) -> api::Item {
    api::Item {
        item_id: item.item_id.to_string(),
        store_id: item.store_id.to_string(),
        store_name: item.store_name.clone(),
        seller_id: item.seller_id.to_string(),
        category_id: item.category_id.to_string(),
        category_name: item.category_name.clone(),
        name: item.name.clone(),
        description: item.description.clone(),
        thumbnail_url: item.thumbnail_url.clone(),
        lowest_price: Some(wire::money(item.lowest_price)),
        options: item.options.iter().map(option).collect(),
        created_at: Some(wire::timestamp(item.created_at)),
        updated_at: Some(wire::timestamp(item.updated_at)),
        hearts: item.hearts,
    }
}

pub(crate) fn option(option: &ItemOption) -> api::Option {
    api::Option {
        option_id: option.option_id.to_string(),
        name: option.name.clone(),
        price: Some(wire::money(option.price)),
        state: option_state(option.state).into(),
        available: option.available,
        sale_window: sale_window(option.window),
        per_customer_limit: option.customer_limit.unwrap_or(0),
    }
}

pub(crate) const fn option_state(state: OptionState) -> api::OptionState {
    match state {
        OptionState::Active => api::OptionState::Active,
        OptionState::Retired => api::OptionState::Retired,
    }
}

pub(crate) fn sale_window(window: SaleWindow) -> Option<TimeRange> {
    let SaleWindow { opens_at, closes_at } = window;
    (opens_at.is_some() || closes_at.is_some())
        .then(|| TimeRange { starts_at: opens_at.map(wire::timestamp), ends_at: closes_at.map(wire::timestamp) })
}

pub(crate) fn stock(stock: &Stock) -> api::Stock {
    api::Stock {
        option_id: stock.option_id.to_string(),
        available: stock.available,
        reserved: stock.reserved,
        sold: stock.sold,
        put_in: stock.put_in,
    }
}

pub(crate) const fn hold_state(state: HoldState) -> api::HoldState {
    match state {
        HoldState::Reserved => api::HoldState::Reserved,
        HoldState::Sold => api::HoldState::Sold,
        HoldState::Released => api::HoldState::Released,
    }
}

pub(crate) fn reserved_line(line: HeldLine) -> api::ReservedLine {
    api::ReservedLine {
        order_line_id: line.asked.order_line_id.to_string(),
        option_id: line.asked.option_id.to_string(),
        item_id: line.item_id.to_string(),
        item_name: line.item_name,
        option_name: line.option_name,
        store_id: line.store_id.to_string(),
        store_name: line.store_name,
        seller_id: line.seller_id.to_string(),
        unit_price: Some(wire::money(line.asked.expected_unit_price)),
        quantity: line.asked.quantity,
    }
}
