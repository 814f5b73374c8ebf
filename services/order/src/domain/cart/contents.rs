//! What goes into a cart, out of it, and back.

use bojagi_kernel::id::{OptionId, OrderId};

use super::{Cart, CartLine, CartLineId, CartPart, Offer, Standing};
use crate::domain::{MAX_LINES, MAX_QUANTITY, OrderRefusal};

impl Cart {
    /// Puts pieces of an offered option in. A new line takes the price of the offer; one that is there keeps its own until the
    /// cart is compared, so that its customer is told.
    ///
    /// # Errors
    /// `CART_QUANTITY_LIMIT`, `CART_FULL`.
    pub(crate) fn add(&mut self, option_id: OptionId, quantity: i64, offer: Offer) -> Result<(), OrderRefusal> {
        if let Some(line) = self.line_mut(option_id) {
            let together = line.quantity + quantity;
            if together > MAX_QUANTITY {
                let (quantity, limit) = (line.quantity, MAX_QUANTITY);
                return Err(OrderRefusal::CartQuantityLimit { option_id, quantity, limit });
            }
            if matches!(line.standing, Standing::OptionGone | Standing::ItemGone) {
                line.standing = Standing::OnOffer;
            }
            line.ask_for(together);
        } else {
            // What is being ordered keeps its place, so that there is room when it comes back.
            if self.kept.len() >= MAX_LINES {
                return Err(OrderRefusal::CartFull { limit: MAX_LINES });
            }
            self.kept.push(CartLine {
                id: CartLineId::generate(),
                option_id,
                order_id: None,
                quantity,
                unit_price: offer.unit_price,
                whereabouts: offer.whereabouts,
                standing: Standing::OnOffer,
                price_before: None,
                price_changed_in: 0,
                standing_changed_in: 0,
            });
        }
        self.revision += 1;
        Ok(())
    }

    /// Sets the quantity of a line.
    ///
    /// # Errors
    /// `CART_LINE_NOT_FOUND`.
    pub(crate) fn update(&mut self, option_id: OptionId, quantity: i64) -> Result<(), OrderRefusal> {
        let line = self.line_mut(option_id).ok_or(OrderRefusal::CartLineNotFound { option_id })?;
        if line.quantity != quantity {
            line.ask_for(quantity);
            self.revision += 1;
        }
        Ok(())
    }

    /// Takes the lines of some options out.
    pub(crate) fn remove(&mut self, option_ids: &[OptionId]) {
        self.take_out(|line| option_ids.contains(&line.option_id));
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) {
        self.take_out(|_| true);
    }

    fn take_out(&mut self, goes: impl Fn(&CartLine) -> bool) {
        let before = self.kept.len();
        self.kept.retain(|line| line.order_id.is_some() || !goes(line));
        if self.kept.len() != before {
            self.revision += 1;
        }
    }

    /// Moves lines out of the cart and into an order.
    ///
    /// # Errors
    /// `CART_CHANGED`, `CART_LINE_NOT_FOUND`.
    pub(crate) fn order(&mut self, part: &CartPart, order_id: OrderId) -> Result<(), OrderRefusal> {
        self.must_be_at(part.revision)?;
        for option_id in &part.option_ids {
            let option_id = *option_id;
            let line = self.line_mut(option_id).ok_or(OrderRefusal::CartLineNotFound { option_id })?;
            line.order_id = Some(order_id);
        }
        self.revision += 1;
        Ok(())
    }

    /// The order has failed: its lines come back. Where the option was put in again meanwhile the quantities add up, to as many as
    /// a line may have.
    pub(crate) fn bring_back(&mut self, order_id: OrderId) {
        let (back, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.kept).into_iter().partition(|line| line.order_id == Some(order_id));
        self.kept = rest;
        if back.is_empty() {
            return;
        }
        for line in back {
            match self.line_mut(line.option_id) {
                Some(there) => there.ask_for((there.quantity + line.quantity).min(MAX_QUANTITY)),
                None => self.kept.push(CartLine { order_id: None, ..line }),
            }
        }
        self.kept.sort_unstable_by_key(|line| line.id);
        self.revision += 1;
    }

    /// The order is paid: its lines are no longer the cart's.
    pub(crate) fn forget(&mut self, order_id: OrderId) {
        self.kept.retain(|line| line.order_id != Some(order_id));
    }
}
