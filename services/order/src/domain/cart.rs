//! A customer's cart: what is in it, what the catalogue says of it that its customer does not know yet, and what of it may be
//! ordered.
//!
//! A cart counts its changes. Its revision stands for everything that was shown of it, so that whoever orders says what they saw.
//! A line that is being ordered is out of the cart and still its own: it comes back if the order fails.

mod compare;
mod contents;

use bojagi_kernel::Money;
use bojagi_kernel::id::{ItemId, OptionId, OrderId, StoreId};

bojagi_kernel::typed_id! {
    /// One line of a cart. Ids sort by age, and so do lines.
    CartLineId,
}

/// What is in a customer's cart, and what of it is being ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cart {
    /// Counts what has changed; 0 for a cart that never held anything.
    pub(crate) revision: i64,
    /// All lines, the oldest first; read those in the cart by [`Cart::lines`].
    pub(crate) kept: Vec<CartLine>,
}

/// One option in a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CartLine {
    pub(crate) id: CartLineId,
    pub(crate) option_id: OptionId,
    /// The order that it is out of the cart for.
    pub(crate) order_id: Option<OrderId>,
    /// Pieces, 1 to [`MAX_QUANTITY`](super::MAX_QUANTITY).
    pub(crate) quantity: i64,
    /// The price of one piece at which it is ordered.
    pub(crate) unit_price: Money,
    pub(crate) whereabouts: Whereabouts,
    pub(crate) standing: Standing,
    /// The price before the last change of it.
    pub(crate) price_before: Option<Money>,
    /// The revision in which the price was last changed; 0 for never.
    pub(crate) price_changed_in: i64,
    /// The revision in which the standing last became worse; 0 for never.
    pub(crate) standing_changed_in: i64,
}

/// Where an option belongs, and what it is called, as far as was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    pub(crate) item_id: ItemId,
    pub(crate) store_id: StoreId,
    pub(crate) item_name: String,
    pub(crate) option_name: String,
    pub(crate) store_name: String,
}

/// Whether a line can be ordered, as far as its customer was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing stands against it.
    OnOffer,
    /// Fewer pieces are left than it asks for.
    Short {
        /// How many.
        left: i64,
    },
    /// The option is not offered any more.
    OptionGone,
    /// The whole item is not offered any more.
    ItemGone,
}

/// What the catalogue says of an option at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    OnOffer(Offer),
    OptionGone,
    /// The item is gone, or there never was such an option.
    ItemGone,
}

/// An option that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) whereabouts: Whereabouts,
    pub(crate) unit_price: Money,
    /// How many pieces are left.
    pub(crate) available: i64,
}

/// One thing that the catalogue says of a line and the cart did not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CartChange {
    PriceChanged { before: Money, now: Money },
    Short { quantity: i64, left: i64 },
    OptionGone,
    ItemGone,
}

/// The part of a cart that an order takes out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CartPart {
    /// The cart as its customer saw it.
    pub(crate) revision: i64,
    /// The lines; there is at least one.
    pub(crate) option_ids: Vec<OptionId>,
}

impl Cart {
    /// The lines that are in the cart, the oldest first.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &CartLine> {
        self.kept.iter().filter(|line| line.order_id.is_none())
    }

    /// The line of an option in the cart.
    pub(crate) fn line(&self, option_id: OptionId) -> Option<&CartLine> {
        self.lines().find(|line| line.option_id == option_id)
    }

    /// The orders that lines are out of the cart for, each once.
    pub(crate) fn orders(&self) -> Vec<OrderId> {
        let mut orders: Vec<_> = self.kept.iter().filter_map(|line| line.order_id).collect();
        orders.sort_unstable();
        orders.dedup();
        orders
    }

    /// What the lines cost that can be ordered, an amount a currency, by currency code. A line is at most 999 times
    /// [`MAX_GROSS`](super::MAX_GROSS) and there are at most 100, so nothing overflows.
    pub(crate) fn totals(&self) -> Vec<Money> {
        let mut totals: Vec<Money> = Vec::new();
        for line in self.lines().filter(|line| line.standing == Standing::OnOffer) {
            let currency = line.unit_price.currency();
            match totals.iter_mut().find(|total| total.currency() == currency) {
                Some(total) => *total = Money::new(currency, total.minor() + line.amount().minor()),
                None => totals.push(line.amount()),
            }
        }
        totals.sort_unstable_by_key(Money::currency);
        totals
    }

    fn line_mut(&mut self, option_id: OptionId) -> Option<&mut CartLine> {
        self.kept.iter_mut().find(|line| line.order_id.is_none() && line.option_id == option_id)
    }
}

impl CartLine {
    /// What the line costs.
    pub(crate) const fn amount(&self) -> Money {
        Money::new(self.unit_price.currency(), self.unit_price.minor() * self.quantity)
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
