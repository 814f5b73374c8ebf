//! The rules of an order: what it may become, what it costs, and what is to be done next for it.
//!
//! Nothing here knows the time, the network or the database: moments and answers are handed in.

mod address;
mod amounts;
mod cancel;
mod cart;
mod delivery;
mod draft;
mod failure;
mod give_back;
mod life;
mod line;
mod order;
mod refund;
mod refusal;
mod saga;
mod steps;

#[cfg(test)]
pub(crate) mod samples;

pub(crate) use address::Address;
pub(crate) use amounts::{MAX_GROSS, Totals, same_currency};
pub(crate) use cancel::CancelReason;
pub(crate) use cart::{Cart, CartChange, CartLine, CartLineId, CartPart, Offer, Sight, Standing, Whereabouts};
pub(crate) use delivery::{Delivery, DeliveryState};
pub(crate) use draft::{Draft, DraftLine, LineEdit};
pub(crate) use failure::{FailureCause, OwnFailure, PaymentDecline};
pub(crate) use life::{Life, MoneyState, News, Stage};
pub(crate) use line::{Line, MAX_LINES, MAX_QUANTITY, Sold};
pub(crate) use order::{Back, MadeOf, NewOrder, Order, OrderData, PlacedIn};
pub(crate) use refund::{Asking, MAX_STANDING, NewRefund, Party, Refund, RefundLine, RefundMoney, RefundState, Share};
pub(crate) use refusal::OrderRefusal;
pub(crate) use saga::{Direction, Fault, PaymentKnown, RetryPolicy, Saga, SagaState, Task};
pub(crate) use steps::{Step, StepKind, StepState, steps_of};

bojagi_kernel::typed_id! {
    /// A parcel of one store for one order.
    DeliveryId,
    /// A running process of this context, as the holder of leases.
    InstanceId,
    /// Money of an order that goes back: the refund of a cancelled order, or of pieces that were sent.
    RefundId,
}
