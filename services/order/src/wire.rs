//! Orders as they are on the wire: in answers, in asks and in facts.

pub(crate) mod cart;
mod drafts;
mod refunds;

use bojagi_api::{common, order as api};
use bojagi_chassis::wire::{money, timestamp};
use bojagi_kernel::{Currency, Money};

use crate::domain::{
    Address, Delivery, DeliveryState, FailureCause, Life, Line, MoneyState, Order, OrderData, Sold, Stage,
};

pub(crate) use drafts::draft;
pub(crate) use refunds::{refund, refund_allocations, refund_without_words};

pub(crate) fn order(order: &Order) -> api::Order {
    api::Order {
        id: order.id.to_string(),
        customer_id: order.customer_id.to_string(),
        state: life(order.life).into(),
        money_state: money_state(order.money_state()).into(),
        lines: order.lines.iter().map(|line| order_line(order.currency, line)).collect(),
        totals: Some(totals(order)),
        delivery_address: Some(address(&order.address)),
        deliveries: order.deliveries.iter().map(delivery_summary).collect(),
        // A pending order on its way to fail may still turn out to be paid.
        failure: order.failure.as_ref().filter(|_| order.life != Life::Pending).map(failure),
        version: order.version,
        created_at: Some(timestamp(order.created_at)),
        confirmed_at: order.confirmed_at.map(timestamp),
        ended_at: order.ended_at.map(timestamp),
        cancel_requested: order.cancel.is_some(),
        refunded: Some(money(order.money(order.refunded))),
    }
}

pub(crate) fn order_line(currency: Currency, line: &Line) -> api::OrderLine {
    let amount = |minor: i64| Some(money(Money::new(currency, minor)));
    let part = |of: fn(&Sold) -> i64| amount(line.sold.as_ref().map_or(0, of));
    let text = |of: fn(&Sold) -> String| line.sold.as_ref().map(of).unwrap_or_default();
    api::OrderLine {
        id: line.id.to_string(),
        option_id: line.option_id.to_string(),
        item_id: text(|sold| sold.item_id.to_string()),
        store_id: text(|sold| sold.store_id.to_string()),
        seller_id: text(|sold| sold.seller_id.to_string()),
        option_name: text(|sold| sold.option_name.clone()),
        item_name: text(|sold| sold.item_name.clone()),
        store_name: text(|sold| sold.store_name.clone()),
        unit_price: amount(line.unit_price),
        quantity: line.quantity,
        gross: amount(line.gross()),
        item_discount: part(|sold| sold.item_discount),
        discount: amount(line.discount()),
        net: amount(line.net()),
        order_discount: part(|sold| sold.order_discount),
        platform_discount: part(|sold| sold.platform_discount),
        seller_discount: part(|sold| sold.seller_discount),
    }
}

pub(crate) fn totals(order: &OrderData) -> api::OrderTotals {
    let amount = |minor: i64| Some(money(order.money(minor)));
    api::OrderTotals {
        gross: amount(order.totals.gross),
        discount: amount(order.totals.discount),
        net: amount(order.totals.net()),
        points: amount(order.totals.points),
        external: amount(order.totals.external()),
    }
}

/// How the money of a line is made up, once item and coupon have answered.
pub(crate) fn allocation(order: &OrderData, line: &Line, sold: &Sold) -> common::LineAllocation {
    let amount = |minor: i64| Some(money(order.money(minor)));
    common::LineAllocation {
        order_line_id: line.id.to_string(),
        option_id: line.option_id.to_string(),
        store_id: sold.store_id.to_string(),
        seller_id: sold.seller_id.to_string(),
        quantity: line.quantity,
        gross: amount(line.gross()),
        net: amount(line.gross() - sold.discount()),
        platform_discount: amount(sold.platform_discount),
        seller_discount: amount(sold.seller_discount),
    }
}

pub(crate) fn address(address: &Address) -> api::DeliveryAddress {
    api::DeliveryAddress {
        recipient: address.recipient.clone(),
        phone: address.phone.clone(),
        postal_code: address.postal_code.clone(),
        line1: address.line1.clone(),
        line2: address.line2.clone(),
    }
}

pub(crate) fn delivery_summary(parcel: &Delivery) -> api::DeliverySummary {
    api::DeliverySummary {
        delivery_id: parcel.id.to_string(),
        store_id: parcel.store_id.to_string(),
        state: delivery_state(parcel.state).into(),
    }
}

pub(crate) fn delivery(order: &Order, parcel: &Delivery) -> api::Delivery {
    api::Delivery {
        id: parcel.id.to_string(),
        order_id: order.id.to_string(),
        store_id: parcel.store_id.to_string(),
        seller_id: parcel.seller_id.to_string(),
        customer_id: order.customer_id.to_string(),
        state: delivery_state(parcel.state).into(),
        lines: lines_of_store(order, parcel).map(|line| order_line(order.currency, line)).collect(),
        delivery_address: Some(address(&order.address)),
        created_at: Some(timestamp(parcel.created_at)),
        begun_at: parcel.begun_at.map(timestamp),
        completed_at: parcel.completed_at.map(timestamp),
        cancelled_at: parcel.cancelled_at.map(timestamp),
    }
}

/// The lines that are in a parcel.
pub(crate) fn lines_of_store<'a>(order: &'a OrderData, parcel: &'a Delivery) -> impl Iterator<Item = &'a Line> {
    order.lines.iter().filter(|line| line.sold.as_ref().is_some_and(|sold| sold.store_id == parcel.store_id))
}

fn failure(cause: &FailureCause) -> api::OrderFailure {
    api::OrderFailure {
        reason: cause.reason.clone(),
        domain: format!("bojagi.{}", cause.domain),
        message: cause.message.clone(),
        metadata: cause.metadata.iter().cloned().collect(),
    }
}

pub(crate) const fn stage(stage: Stage) -> api::OrderState {
    match stage {
        Stage::Draft => api::OrderState::Draft,
        Stage::Placed(of) => life(of),
    }
}

pub(crate) const fn life(life: Life) -> api::OrderState {
    match life {
        Life::Pending => api::OrderState::Pending,
        Life::Confirmed => api::OrderState::Confirmed,
        Life::Completed => api::OrderState::Completed,
        Life::Failed => api::OrderState::Failed,
        Life::Cancelling => api::OrderState::Cancelling,
        Life::Cancelled => api::OrderState::Cancelled,
    }
}

pub(crate) const fn delivery_state(state: DeliveryState) -> api::DeliveryState {
    match state {
        DeliveryState::Awaiting => api::DeliveryState::Awaiting,
        DeliveryState::InProgress => api::DeliveryState::InProgress,
        DeliveryState::Delivered => api::DeliveryState::Delivered,
        DeliveryState::Cancelled => api::DeliveryState::Cancelled,
    }
}

const fn money_state(state: MoneyState) -> api::MoneyState {
    match state {
        MoneyState::Unpaid => api::MoneyState::Unpaid,
        MoneyState::Paid => api::MoneyState::Paid,
        MoneyState::PartiallyRefunded => api::MoneyState::PartiallyRefunded,
        MoneyState::Refunded => api::MoneyState::Refunded,
    }
}
