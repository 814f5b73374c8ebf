//! Why an order failed, in the words of the context that refused.

use bojagi_kernel::Refusal;
use bojagi_kernel::refusal::Refuses;

/// The cause of a failure, kept with the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailureCause {
    /// In capital letters.
    pub(crate) reason: String,
    /// The context whose reason it is, such as `item`.
    pub(crate) domain: String,
    /// For people.
    pub(crate) message: String,
    /// For programs.
    pub(crate) metadata: Vec<(String, String)>,
}

impl From<&Refusal> for FailureCause {
    fn from(refusal: &Refusal) -> Self {
        let metadata = refusal.metadata.iter().map(|(key, value)| (key.to_string(), value.clone()));
        Self {
            reason: refusal.reason.to_string(),
            domain: refusal.domain.to_string(),
            message: refusal.message.clone(),
            metadata: metadata.collect(),
        }
    }
}

impl From<OwnFailure> for FailureCause {
    fn from(failure: OwnFailure) -> Self {
        Self::from(&failure.refusal())
    }
}

bojagi_kernel::refusals! {
    /// Why order itself lets an order fail. Shown in the order, never as a status.
    pub(crate) enum OwnFailure in "order" {
        /// The order's deadline passed before its money could be captured.
        OrderTimedOut => TooLate "ORDER_TIMED_OUT" ("the order could not be completed in time"),
        /// The customer cancelled the order before its money was captured.
        CancelledByCustomer => WrongState "CANCELLED_BY_CUSTOMER" ("the order was cancelled by its customer"),
        /// The customer's account was closed before the order's money was captured.
        AccountClosed => WrongState "ACCOUNT_CLOSED" ("the customer's account was closed"),
        /// An operator turned the order round before its money was captured.
        CancelledByOperator => WrongState "CANCELLED_BY_OPERATOR" ("the order was cancelled by the shop"),
    }
}

bojagi_kernel::refusals! {
    /// How an order shows a payment that was declined. Payment answers it as a state, so order has the words.
    pub(crate) enum PaymentDecline in "payment" {
        /// The wallet holds fewer points than the order was to use.
        PointsNotEnough => WrongState "POINTS_NOT_ENOUGH" ("there are not enough points"),
        /// The customer has no such payment method.
        PaymentMethodNotFound => NotFound "PAYMENT_METHOD_NOT_FOUND" ("there is no such payment method"),
        /// The provider said no for good.
        PaymentDeclined { decline_reason: &'static str } => WrongState "PAYMENT_DECLINED" ("the payment was declined"),
    }
}
