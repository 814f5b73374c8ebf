//! What several scenes ask about an order and what it has touched.

use bojagi_api::coupon::{IssuedCoupon, IssuedCouponState, ListMyCouponsRequest};
use bojagi_api::item::GetStockRequest;
use bojagi_api::order::{
    GetOrderRequest, ListOrderHistoryRequest, Order, OrderHistoryEntry, OrderState, WatchOrderRequest,
};
use bojagi_api::payment::get_payment_request::Key;
use bojagi_api::payment::{GetBalanceRequest, GetPaymentRequest, GetPaymentResponse};
use bojagi_telemetry::TraceContext;

use crate::people::Member;
use crate::tour::TourError;
use crate::tour::expect;
use crate::tour::patience::PATIENCE;
use crate::tour::purchase::{Piece, Product};

/// Watches an order until it is in `wanted`, and answers it with every state that was seen on the way.
pub(super) async fn watch_until(
    customer: &Member,
    order_id: &str,
    wanted: OrderState,
) -> Result<(Order, Vec<&'static str>), TourError> {
    let request = WatchOrderRequest { order_id: order_id.to_owned() };
    let mut watched = customer.gateway.with_timeout(PATIENCE).orders().watch_order(request).await?.into_inner();
    let mut seen = Vec::new();
    let mut version = 0;
    while let Some(sight) = watched.message().await? {
        let order = expect::there("the watched order", sight.order)?;
        expect::equal("each sight of the order is newer", true, order.version > version)?;
        version = order.version;
        seen.push(state_word(order.state()));
        if order.state() == wanted {
            seen.dedup();
            return Ok((order, seen));
        }
    }
    Err(TourError::differs("the watched order", state_word(wanted), seen.join(", ")))
}

/// An order as it is now.
pub(super) async fn order(customer: &Member, order_id: &str) -> Result<Order, TourError> {
    let request = GetOrderRequest { order_id: order_id.to_owned() };
    expect::there("the order", customer.gateway.orders().get_order(request).await?.into_inner().order)
}

/// The trace of the step that asks.
pub(super) fn own_trace() -> String {
    TraceContext::current().map(|trace| trace.trace_id()).unwrap_or_default()
}

/// The changes of an order's state, oldest first.
pub(super) async fn history(customer: &Member, order_id: &str) -> Result<Vec<OrderHistoryEntry>, TourError> {
    let request = ListOrderHistoryRequest { order_id: order_id.to_owned(), ..ListOrderHistoryRequest::default() };
    Ok(customer.gateway.orders().list_order_history(request).await?.into_inner().entries)
}

/// The history in a line: each state with its cause and how long after the first one it came.
pub(super) fn told(history: &[OrderHistoryEntry]) -> String {
    let micros = |entry: &OrderHistoryEntry| {
        entry.occurred_at.as_ref().map_or(0, |at| at.seconds * 1_000_000 + i64::from(at.nanos) / 1_000)
    };
    let begun = history.first().map_or(0, micros);
    let step = |entry: &OrderHistoryEntry| {
        let after = (micros(entry) - begun) as f64 / 1_000.0;
        format!("{} ({}, +{after:.1} ms)", state_word(entry.state()), entry.cause)
    };
    history.iter().map(step).collect::<Vec<_>>().join(" > ")
}

/// The states of a history.
pub(super) fn states(history: &[OrderHistoryEntry]) -> Vec<OrderState> {
    history.iter().map(OrderHistoryEntry::state).collect()
}

/// The state without its prefix.
pub(super) fn state_word(state: OrderState) -> &'static str {
    state.as_str_name().trim_start_matches("ORDER_STATE_")
}

/// Of the product, `sold` pieces are sold, none is reserved, and the rest can be bought.
pub(super) async fn check_stock(customer: &Member, product: &Product, sold: i64) -> Result<(), TourError> {
    let request = GetStockRequest { option_id: product.option_id.clone() };
    let answer = customer.gateway.stock().get_stock(request).await?.into_inner();
    let stock = expect::there("the stock", answer.stock)?;
    let counts = (stock.available, stock.reserved, stock.sold, stock.put_in);
    let what = format!("available, reserved, sold and put in of {}", product.name);
    expect::equal(what, (product.stock - sold, 0, sold, product.stock), counts)
}

/// The customer's piece of a coupon as it is now.
pub(super) async fn piece_now(customer: &Member, piece: &Piece) -> Result<IssuedCoupon, TourError> {
    let request = ListMyCouponsRequest { page_size: 100, ..ListMyCouponsRequest::default() };
    let pieces = customer.gateway.coupons().list_my_coupons(request).await?.into_inner().issued_coupons;
    let found = pieces.into_iter().find(|issued| issued.issued_coupon_id == piece.id());
    expect::there("the piece of the coupon", found)
}

/// The pieces can be used, and belong to no order.
pub(super) async fn check_free(customer: &Member, pieces: &[&Piece]) -> Result<(), TourError> {
    for piece in pieces {
        let now = piece_now(customer, piece).await?;
        expect::equal("the state of the coupon", IssuedCouponState::Available, now.state())?;
        expect::equal("the order of the coupon", "", now.order_id.as_str())?;
    }
    Ok(())
}

/// The customer has `available` points, in won, and none is held.
pub(super) async fn check_points(customer: &Member, available: i64) -> Result<(), TourError> {
    let answer = customer.gateway.wallet().get_balance(GetBalanceRequest {}).await?.into_inner();
    let balance = expect::there("the balance", answer.balance)?;
    expect::amount("the points", available, balance.available.as_ref())?;
    expect::amount("the held points", 0, balance.held.as_ref())
}

/// The payment of an order, with its refunds.
pub(super) async fn payment_of(customer: &Member, order_id: &str) -> Result<GetPaymentResponse, TourError> {
    let request = GetPaymentRequest { key: Some(Key::OrderId(order_id.to_owned())) };
    Ok(customer.gateway.payments().get_payment(request).await?.into_inner())
}
