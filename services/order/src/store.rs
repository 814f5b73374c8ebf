//! What order keeps, and the only place that knows the database.
//!
//! An order is loaded whole and stored whole; every storing is conditional on the version and the lease epoch it was
//! loaded with, so that of two who changed the same order one has to read again.

mod accounts;
pub(crate) mod carts;
pub(crate) mod drafts;
mod history;
mod lists;
mod orders;
mod parts;
mod refund_rows;
mod refund_schema;
mod refunds;
mod rows;
mod schema;
mod steps;
mod totals;

use bojagi_store::{stored_enum, stored_ids};

use crate::domain::{
    CancelReason, CartLineId, DeliveryId, DeliveryState, Direction, InstanceId, Life, PaymentKnown, RefundId,
    RefundMoney, RefundState, SagaState, StepKind, StepState,
};

pub(crate) use accounts::{block, closed, is_blocked, unblock};
pub(crate) use history::{Change, history_of};
pub(crate) use lists::{
    OrderFilter, ParcelFilter, SagaFilter, cancellable_of, of_customer, open_of_customer, open_sagas, parcels, sagas,
};
pub(crate) use orders::{
    Saved, Work, claim, due, forget_addresses, insert, load, load_all, load_parcel_order, order_of_parcel, save,
    take_over_former_leases, versions, wake_pending, wake_running,
};
pub(crate) use refund_schema::{DUE_FOR_REFUNDS, REFUNDS};
pub(crate) use refunds::{
    RefundFilter, Taken, forget_words, let_go, list_refunds, load_with_refund, order_of_refund, take_units,
};
pub(crate) use schema::{DUE_IN_STATE, MIGRATION, PARCELS_IN_STATE, REFUSALS, TRACESTATE, UNANSWERED};
pub(crate) use steps::{StepReport, forget_attempts, report, resolved, steps_of_order};
pub(crate) use totals::{MoneyTotal, money_totals};

stored_ids!(CartLineId, DeliveryId, InstanceId, RefundId);

stored_enum!(Life {
    Pending => "PENDING",
    Confirmed => "CONFIRMED",
    Completed => "COMPLETED",
    Failed => "FAILED",
    Cancelling => "CANCELLING",
    Cancelled => "CANCELLED",
});

stored_enum!(DeliveryState {
    Awaiting => "AWAITING",
    InProgress => "IN_PROGRESS",
    Delivered => "DELIVERED",
    Cancelled => "CANCELLED",
});

stored_enum!(RefundState {
    Requested => "REQUESTED",
    Approved => "APPROVED",
    Rejected => "REJECTED",
    Withdrawn => "WITHDRAWN",
});

stored_enum!(RefundMoney {
    None => "NONE",
    Refunding => "REFUNDING",
    Refunded => "REFUNDED",
    Parked => "PARKED",
    Resolved => "RESOLVED",
});

stored_enum!(SagaState { Running => "RUNNING", Parked => "PARKED", Done => "DONE" });

stored_enum!(Direction { Forward => "FORWARD", Backward => "BACKWARD" });

stored_enum!(PaymentKnown { Open => "OPEN", Unresolved => "UNRESOLVED", Captured => "CAPTURED" });

stored_enum!(CancelReason {
    Customer => "CUSTOMER",
    AccountClosed => "ACCOUNT_CLOSED",
    Operator => "OPERATOR",
});

stored_enum!(StepKind {
    ReserveStock => "RESERVE_STOCK",
    ReserveRedemptions => "RESERVE_REDEMPTIONS",
    Authorize => "AUTHORIZE",
    Capture => "CAPTURE",
    Void => "VOID",
    Refund => "REFUND",
    AwaitStockRelease => "AWAIT_STOCK_RELEASE",
    AwaitCouponRelease => "AWAIT_COUPON_RELEASE",
    GiveBack => "GIVE_BACK",
});

stored_enum!(StepState {
    Open => "OPEN",
    Done => "DONE",
    Refused => "REFUSED",
    Skipped => "SKIPPED",
    Resolved => "RESOLVED",
});
