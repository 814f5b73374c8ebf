//! Rows of orders, and orders of rows.

use bojagi_kernel::id::{AccountId, IssuedCouponId, OrderId, PaymentMethodId};
use bojagi_kernel::{Currency, Moment};
use bojagi_store::{Error, from_row};

use crate::domain::{
    Address, Back, CancelReason, Delivery, Direction, FailureCause, InstanceId, Life, Line, Order, OrderData,
    PaymentKnown, PlacedIn, Refund, Saga, SagaState, Totals,
};

/// The columns of an order, in the order of [`OrderRow`].
pub(super) const ORDER_COLUMNS: &str = "order_id, customer_id, state, version, currency, gross, discount, points, \
    payment_method_id, order_coupon_id, quote_hash, recipient, phone, postal_code, address_line1, address_line2, \
    cancel_reason, failure_reason, failure_domain, failure_message, failure_metadata, traceparent, tracestate, changes, \
    created_at, updated_at, confirmed_at, ended_at, captured_at, refunded, refunded_at, money_back, stock_back, \
    coupons_back, saga_state, direction, payment, failed_attempts, refusals, parked_reason, operator_reason, \
    lease_owner, lease_epoch, wake_at, deadline, refunds";

/// One row of the table `orders`.
pub(super) struct OrderRow {
    pub(super) order_id: OrderId,
    customer_id: AccountId,
    state: Life,
    version: i64,
    currency: String,
    gross: i64,
    discount: i64,
    points: i64,
    payment_method_id: Option<PaymentMethodId>,
    order_coupon_id: Option<IssuedCouponId>,
    quote_hash: String,
    recipient: String,
    phone: String,
    postal_code: String,
    address_line1: String,
    address_line2: String,
    cancel_reason: Option<CancelReason>,
    failure_reason: Option<String>,
    failure_domain: Option<String>,
    failure_message: Option<String>,
    failure_metadata: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    changes: i64,
    created_at: Moment,
    updated_at: Moment,
    confirmed_at: Option<Moment>,
    ended_at: Option<Moment>,
    captured_at: Option<Moment>,
    refunded: i64,
    refunded_at: Option<Moment>,
    money_back: bool,
    stock_back: bool,
    coupons_back: bool,
    saga_state: SagaState,
    direction: Direction,
    payment: PaymentKnown,
    failed_attempts: i64,
    refusals: i64,
    parked_reason: Option<String>,
    operator_reason: Option<String>,
    lease_owner: Option<InstanceId>,
    lease_epoch: i64,
    wake_at: Option<Moment>,
    deadline: Moment,
    /// How many refunds were ever asked for.
    pub(super) refunds: i64,
}

from_row!(OrderRow {
    order_id,
    customer_id,
    state,
    version,
    currency,
    gross,
    discount,
    points,
    payment_method_id,
    order_coupon_id,
    quote_hash,
    recipient,
    phone,
    postal_code,
    address_line1,
    address_line2,
    cancel_reason,
    failure_reason,
    failure_domain,
    failure_message,
    failure_metadata,
    traceparent,
    tracestate,
    changes,
    created_at,
    updated_at,
    confirmed_at,
    ended_at,
    captured_at,
    refunded,
    refunded_at,
    money_back,
    stock_back,
    coupons_back,
    saga_state,
    direction,
    payment,
    failed_attempts,
    refusals,
    parked_reason,
    operator_reason,
    lease_owner,
    lease_epoch,
    wake_at,
    deadline,
    refunds,
});

impl OrderRow {
    /// The order, with its lines, parcels and refunds.
    pub(super) fn into_order(
        self,
        lines: Vec<Line>,
        deliveries: Vec<Delivery>,
        refunds: Vec<Refund>,
    ) -> Result<Order, Error> {
        let currency = Currency::parse(&self.currency).map_err(|error| Error::Database(error.to_string()))?;
        let failure = match (self.failure_reason, self.failure_domain, self.failure_message) {
            (Some(reason), Some(domain), Some(message)) => {
                let metadata = read_metadata(self.failure_metadata.as_deref().unwrap_or("[]"))?;
                Some(FailureCause { reason, domain, message, metadata })
            }
            _ => None,
        };
        Ok(Order::restore(OrderData {
            id: self.order_id,
            customer_id: self.customer_id,
            life: self.state,
            version: self.version,
            currency,
            lines,
            totals: Totals { gross: self.gross, discount: self.discount, points: self.points },
            payment_method_id: self.payment_method_id,
            order_coupon_id: self.order_coupon_id,
            quote_hash: self.quote_hash,
            address: Address {
                recipient: self.recipient,
                phone: self.phone,
                postal_code: self.postal_code,
                line1: self.address_line1,
                line2: self.address_line2,
            },
            deliveries,
            refunds,
            cancel: self.cancel_reason,
            failure,
            trace: self.traceparent.map(|traceparent| PlacedIn { traceparent, tracestate: self.tracestate }),
            changes: self.changes,
            created_at: self.created_at,
            updated_at: self.updated_at,
            confirmed_at: self.confirmed_at,
            ended_at: self.ended_at,
            captured_at: self.captured_at,
            refunded: self.refunded,
            refunded_at: self.refunded_at,
            back: Back { money: self.money_back, stock: self.stock_back, coupons: self.coupons_back },
            saga: Saga {
                state: self.saga_state,
                direction: self.direction,
                payment: self.payment,
                failed_attempts: self.failed_attempts,
                refusals: self.refusals,
                parked_reason: self.parked_reason,
                operator_reason: self.operator_reason,
                lease_owner: self.lease_owner,
                lease_epoch: self.lease_epoch,
                wake_at: self.wake_at,
                deadline: self.deadline,
            },
        }))
    }
}

/// Metadata as it is stored: a JSON list of pairs.
pub(super) fn metadata_text(failure: Option<&FailureCause>) -> Result<Option<String>, Error> {
    let text = failure.map(|failure| serde_json::to_string(&failure.metadata)).transpose();
    text.map_err(|error| Error::Database(error.to_string()))
}

fn read_metadata(text: &str) -> Result<Vec<(String, String)>, Error> {
    serde_json::from_str(text).map_err(|error| Error::Database(error.to_string()))
}
