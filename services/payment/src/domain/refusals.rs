//! What payment refuses.

use bojagi_kernel::Currency;
use bojagi_kernel::id::{OrderId, PaymentId, PaymentMethodId};

use super::{MAX_METHODS, PaymentState, RefundId, WALLET_LIMIT};

bojagi_kernel::refusals! {
    /// What payment refuses.
    pub(crate) enum PaymentRefusal in "payment" {
        /// The order was voided, so that nothing can be held or taken for it any more.
        OrderEnded { order_id: OrderId } => WrongState "ORDER_ENDED" ("the order has ended; nothing can be asked for it any more"),
        /// The order has a payment of another customer or of other amounts.
        PaymentMismatch { order_id: OrderId } => Invalid "PAYMENT_MISMATCH" ("the order has a payment of other amounts"),
        /// No such payment, or one of somebody else.
        PaymentNotFound { payment_id: PaymentId } => NotFound "PAYMENT_NOT_FOUND" ("there is no such payment"),
        /// The order has no payment, or one of somebody else.
        OrderWithoutPayment { order_id: OrderId } => NotFound "PAYMENT_NOT_FOUND" ("the order has no payment"),
        /// The authorisation has no answer yet, so that there is nothing to take.
        PaymentNotAuthorized { order_id: OrderId, state: PaymentState } => WrongState "PAYMENT_NOT_AUTHORIZED" ("the payment is {state}, not authorised"),
        /// The lines' net amounts don't add up to the amount.
        AllocationMismatch { total: i64, allocated: i64 } => Invalid "ALLOCATION_MISMATCH" ("the lines add up to {allocated}, not to {total}"),
        /// Nothing was captured, so that nothing can go back.
        PaymentNotCaptured { order_id: OrderId, state: PaymentState } => WrongState "PAYMENT_NOT_CAPTURED" ("the payment is {state}; nothing was captured"),
        /// More would go back than was captured and neither refunded nor refunding.
        RefundExceedsCapture { order_id: OrderId, refundable: i64 } => WrongState "REFUND_EXCEEDS_CAPTURE" ("at most {refundable} can go back"),
        /// The refund was asked for before, with another content.
        RefundMismatch { refund_id: RefundId } => Invalid "REFUND_MISMATCH" ("the refund was asked for with another content"),
        /// Somebody else's payments.
        NotYourOwn => Forbidden "NOT_YOUR_OWN" ("these are somebody else's payments"),
        /// The payment provider does not answer.
        ProviderUnavailable => Unavailable "PROVIDER_UNAVAILABLE" ("the payment provider does not answer; try again"),
        /// The body was not signed with the secret that the provider shares with the shop.
        ProviderSignatureInvalid => Unauthenticated "PROVIDER_SIGNATURE_INVALID" ("the signature does not fit the body"),
        /// The signed body is no event.
        ProviderEventMalformed => Invalid "PROVIDER_EVENT_MALFORMED" ("the body cannot be read"),
        /// The event is about nothing that was asked from here.
        ProviderPaymentUnknown => NotFound "PROVIDER_PAYMENT_UNKNOWN" ("nothing like this is known here; tell it again later"),
        /// The customer has no such payment method.
        PaymentMethodNotFound { payment_method_id: PaymentMethodId } => NotFound "PAYMENT_METHOD_NOT_FOUND" ("there is no such payment method"),
        /// The account has as many methods as it may have.
        TooManyPaymentMethods { limit: i64 } => Exhausted "TOO_MANY_PAYMENT_METHODS" ("an account has at most {limit} payment methods"),
        /// The provider does not know the token.
        ProviderTokenUnknown => Invalid "PROVIDER_TOKEN_UNKNOWN" ("the payment provider does not know this token"),
        /// The account has the method already.
        PaymentMethodExists => WrongState "PAYMENT_METHOD_EXISTS" ("this payment method was added before"),
        /// The shop's points are in another currency.
        CurrencyMismatch { expected: Currency, actual: Currency } => Invalid "CURRENCY_MISMATCH" ("the shop's currency is {expected}, not {actual}"),
        /// The wallet would hold more than can be counted.
        WalletFull { limit: i64 } => WrongState "WALLET_FULL" ("a wallet holds at most {limit} points"),
        /// Somebody else changed the same thing at the same moment.
        ConcurrentChange => LostRace "CONCURRENT_CHANGE" ("something changed at the same moment; try again"),
    }
}

impl PaymentRefusal {
    pub(crate) const fn too_many_methods() -> Self {
        Self::TooManyPaymentMethods { limit: MAX_METHODS }
    }

    pub(crate) const fn wallet_full() -> Self {
        Self::WalletFull { limit: WALLET_LIMIT }
    }
}
