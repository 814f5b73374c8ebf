//! One option in an order.

use bojagi_kernel::id::{AccountId, IssuedCouponId, ItemId, OptionId, OrderLineId, StoreId};

/// The most lines that an order may have, and a cart.
pub(crate) const MAX_LINES: usize = 100;

/// The most pieces that a line may ask for.
pub(crate) const MAX_QUANTITY: i64 = 999;

/// A line. Amounts are minor units of the order's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) id: OrderLineId,
    pub(crate) option_id: OptionId,
    pub(crate) quantity: i64,
    pub(crate) unit_price: i64,
    /// Item coupons laid on the line; two at most.
    pub(crate) coupons: Vec<IssuedCouponId>,
    /// What item and coupon answered; known once the order is confirmed.
    pub(crate) sold: Option<Sold>,
}

/// What a line turned out to be. `item_discount + order_discount = platform_discount + seller_discount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sold {
    pub(crate) item_id: ItemId,
    pub(crate) store_id: StoreId,
    pub(crate) seller_id: AccountId,
    pub(crate) option_name: String,
    pub(crate) item_name: String,
    pub(crate) store_name: String,
    pub(crate) item_discount: i64,
    pub(crate) order_discount: i64,
    pub(crate) platform_discount: i64,
    pub(crate) seller_discount: i64,
}

impl Line {
    /// The line before discounts. Bounded when the order is placed, so it does not overflow.
    pub(crate) const fn gross(&self) -> i64 {
        self.unit_price * self.quantity
    }

    /// What all coupons take off; 0 until that is known.
    pub(crate) fn discount(&self) -> i64 {
        self.sold.as_ref().map_or(0, Sold::discount)
    }

    /// What the customer pays for the line.
    pub(crate) fn net(&self) -> i64 {
        self.gross() - self.discount()
    }
}

impl Sold {
    /// What all coupons take off the line.
    pub(crate) const fn discount(&self) -> i64 {
        self.item_discount + self.order_discount
    }

    /// Whether the amounts can be those of a line of `gross` at all.
    pub(crate) fn adds_up(&self, gross: i64) -> bool {
        let parts = [self.item_discount, self.order_discount, self.platform_discount, self.seller_discount];
        parts.iter().all(|part| (0..=gross).contains(part))
            && self.discount() <= gross
            && self.discount() == self.platform_discount + self.seller_discount
    }
}
