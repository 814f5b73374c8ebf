//! What order refuses.

use bojagi_kernel::Currency;
use bojagi_kernel::id::{OptionId, OrderId, OrderLineId, StoreId};

use super::{DeliveryId, DeliveryState, Life, RefundId, RefundMoney, RefundState, SagaState};

bojagi_kernel::refusals! {
    /// What order refuses.
    pub(crate) enum OrderRefusal in "order" {
        /// There is no such order, or it is somebody else's.
        OrderNotFound { order_id: OrderId } => NotFound "ORDER_NOT_FOUND" ("there is no such order"),
        /// The account is suspended or closed.
        AccountNotActive => WrongState "ACCOUNT_NOT_ACTIVE" ("this account cannot place orders"),
        /// Amounts of one order are in different currencies.
        CurrencyMismatch { expected: Currency, actual: Currency } =>
            Invalid "CURRENCY_MISMATCH" ("all amounts must be in {expected}, not {actual}"),
        /// The points exceed what is to be paid, or leave a part that no payment method pays.
        TenderMismatch { total: i64, points: i64 } =>
            Invalid "TENDER_MISMATCH" ("{points} points and the payment method do not pay exactly {total}"),
        /// Too many orders are on their way.
        Overloaded => Exhausted "OVERLOADED" ("too many orders are on their way; try again shortly"),
        /// Somebody else changed the order at the same moment.
        OrderChanged => LostRace "ORDER_CHANGED" ("the order was changed at the same moment; try again"),
        /// The order was cancelled before, or has failed.
        AlreadyCancelled { order_id: OrderId, state: Life } =>
            WrongState "ALREADY_CANCELLED" ("the order is cancelled already"),
        /// A store has sent its part of the order.
        DeliveryBegun { order_id: OrderId } => WrongState "DELIVERY_BEGUN" ("a delivery of the order has begun"),
        /// There is no such delivery, or it is somebody else's.
        DeliveryNotFound { delivery_id: DeliveryId } => NotFound "DELIVERY_NOT_FOUND" ("there is no such delivery"),
        /// The delivery was begun before, or cancelled.
        DeliveryNotAwaiting { delivery_id: DeliveryId, state: DeliveryState } =>
            WrongState "DELIVERY_NOT_AWAITING" ("the delivery is {state}"),
        /// The delivery is not on its way.
        DeliveryNotInProgress { delivery_id: DeliveryId, state: DeliveryState } =>
            WrongState "DELIVERY_NOT_IN_PROGRESS" ("the delivery is {state}"),
        /// The order is not confirmed, or not any more.
        OrderNotConfirmed { order_id: OrderId, state: Life } =>
            WrongState "ORDER_NOT_CONFIRMED" ("the order is {state}"),
        /// The option cannot be bought, or there never was such an option.
        OptionNotFound { option_id: OptionId } => NotFound "OPTION_NOT_FOUND" ("there is no such option on offer"),
        /// The option is not in the cart.
        CartLineNotFound { option_id: OptionId } =>
            NotFound "CART_LINE_NOT_FOUND" ("the cart has no line of this option"),
        /// The cart has as many lines as an order may have, those that are being ordered counted.
        CartFull { limit: usize } => WrongState "CART_FULL" ("a cart has at most {limit} lines"),
        /// The line of the cart would become longer than a line of an order may be.
        CartQuantityLimit { option_id: OptionId, quantity: i64, limit: i64 } =>
            WrongState "CART_QUANTITY_LIMIT" ("{quantity} pieces are in the cart, and a line has at most {limit}"),
        /// The cart is not as the caller saw it, or the catalogue says of it what it does not show yet.
        CartChanged { revision: i64 } => WrongState "CART_CHANGED" ("the cart has changed; look at it again"),
        /// A line that is to be ordered is known to be gone, or to ask for more than is left.
        CartLineNotAvailable { option_id: OptionId, available: i64 } =>
            WrongState "CART_LINE_NOT_AVAILABLE" ("only {available} are left of a line"),
        /// There is nothing in the cart that could be ordered.
        CartEmpty => WrongState "CART_EMPTY" ("the cart is empty"),
        /// The customer has a draft already.
        DraftOpen { order_id: OrderId } => WrongState "DRAFT_OPEN" ("there is a draft already; edit that"),
        /// The order was confirmed, and its lines cannot be edited any more.
        OrderNotDraft { order_id: OrderId, state: Life } =>
            WrongState "ORDER_NOT_DRAFT" ("the order is {state} and no draft any more"),
        /// The order is a draft, of which nothing was asked for yet.
        OrderNotPlaced { order_id: OrderId } => WrongState "ORDER_NOT_PLACED" ("the order is a draft"),
        /// The draft has as many lines as an order may have.
        DraftFull { limit: usize } => WrongState "DRAFT_FULL" ("a draft has at most {limit} lines"),
        /// The draft is not as the caller saw it.
        DraftChanged { version: i64 } => WrongState "DRAFT_CHANGED" ("the draft has changed; look at it again"),
        /// The draft has no line that could be ordered.
        DraftEmpty => WrongState "DRAFT_EMPTY" ("the draft is empty"),
        /// The order has no such line.
        OrderLineNotFound { order_line_id: OrderLineId } =>
            NotFound "ORDER_LINE_NOT_FOUND" ("there is no such line in the order"),
        /// A refund is decided by one seller, and this line is another store's.
        RefundOfTwoStores { order_line_id: OrderLineId, store_id: StoreId } =>
            Invalid "REFUND_OF_TWO_STORES" ("a refund has lines of one store only"),
        /// The store has not sent its part of the order yet.
        DeliveryNotBegun { delivery_id: DeliveryId, state: DeliveryState } =>
            WrongState "DELIVERY_NOT_BEGUN" ("the delivery is {state}; what was not sent cannot be given back"),
        /// More pieces of a line would be asked back and given back than were bought.
        RefundExceedsPurchase { order_line_id: OrderLineId, refundable: i64 } =>
            WrongState "REFUND_EXCEEDS_PURCHASE" ("only {refundable} pieces of the line can still be given back"),
        /// As many refunds of the order are requested or approved as there may be.
        RefundLimit { order_id: OrderId, limit: usize } =>
            WrongState "REFUND_LIMIT" ("{limit} refunds of the order are requested or approved, and no more can be"),
        /// There is no such refund, or it is somebody else's.
        RefundNotFound { refund_id: RefundId } => NotFound "REFUND_NOT_FOUND" ("there is no such refund"),
        /// The refund was decided or withdrawn before.
        RefundNotRequested { refund_id: RefundId, state: RefundState } =>
            WrongState "REFUND_NOT_REQUESTED" ("the refund is {state}"),
        /// The money of the refund is not parked, so there is nothing to settle by hand.
        RefundNotParked { refund_id: RefundId, money: RefundMoney } =>
            WrongState "REFUND_NOT_PARKED" ("the money of the refund is {money}"),
        /// There is no such order.
        SagaNotFound { order_id: OrderId } => NotFound "SAGA_NOT_FOUND" ("there is no such saga"),
        /// The saga is not parked.
        SagaNotParked { order_id: OrderId, state: SagaState } => WrongState "SAGA_NOT_PARKED" ("the saga is {state}"),
        /// Nothing is left that could be undone.
        SagaDone { order_id: OrderId } => WrongState "SAGA_DONE" ("nothing is left to undo"),
        /// It is open whether money was taken, or went back, and only payment can tell.
        PaymentUndecided { order_id: OrderId } =>
            WrongState "PAYMENT_UNDECIDED" ("it is open whether money was taken, or went back; only payment can tell"),
    }
}
