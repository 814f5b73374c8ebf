//! Comparing a cart with the catalogue. Each change is told once: it is known to the cart from then on, under the revision in
//! which it was found.

use std::collections::HashMap;

use bojagi_kernel::id::OptionId;

use super::{Cart, CartChange, CartLine, Sight, Standing};
use crate::domain::OrderRefusal;

impl Cart {
    /// Takes over what the catalogue says of the lines. If that makes a line another one than was shown, so is the cart from then
    /// on, whether or not there is something to tell: its totals are others. Lines without a sight stay as they are: nobody has
    /// looked at them.
    pub(crate) fn look(&mut self, sights: &HashMap<OptionId, Sight>) {
        let next = self.revision + 1;
        let mut differs = false;
        for line in self.kept.iter_mut().filter(|line| line.order_id.is_none()) {
            if let Some(sight) = sights.get(&line.option_id) {
                differs |= line.take(sight, next);
            }
        }
        if differs {
            self.revision = next;
        }
    }

    /// What was found since a revision, of lines that are in the cart.
    pub(crate) fn changes_since(&self, revision: i64) -> Vec<(OptionId, CartChange)> {
        self.lines().flat_map(|line| line.changes_since(revision).map(|change| (line.option_id, change))).collect()
    }

    /// The lines to order, in the order in which they are named, or all lines when none is.
    ///
    /// # Errors
    /// `CART_CHANGED`, `CART_LINE_NOT_FOUND`, `CART_EMPTY`.
    pub(crate) fn to_order(&self, seen_revision: i64, option_ids: &[OptionId]) -> Result<Vec<CartLine>, OrderRefusal> {
        self.must_be_at(seen_revision)?;
        let named = |option_id: &OptionId| {
            let option_id = *option_id;
            self.line(option_id).cloned().ok_or(OrderRefusal::CartLineNotFound { option_id })
        };
        let lines: Vec<_> = match option_ids {
            [] => self.lines().cloned().collect(),
            some => some.iter().map(named).collect::<Result<_, _>>()?,
        };
        if lines.is_empty() { Err(OrderRefusal::CartEmpty) } else { Ok(lines) }
    }

    /// Sees that the catalogue says nothing of the lines to order that the cart does not show, and nothing that stands against
    /// ordering them. What is not to be ordered is compared when the cart is read.
    ///
    /// # Errors
    /// `CART_CHANGED`, `CART_LINE_NOT_AVAILABLE`.
    pub(crate) fn may_order(&self, lines: &[CartLine], sights: &HashMap<OptionId, Sight>) -> Result<(), OrderRefusal> {
        let mut looked = self.clone();
        let lines_alone = |option_id: &OptionId| lines.iter().any(|line| line.option_id == *option_id);
        looked.kept.retain(|line| line.order_id.is_none() && lines_alone(&line.option_id));
        looked.look(sights);
        looked.must_be_at(self.revision).map_err(|_| OrderRefusal::CartChanged { revision: self.revision })?;
        match looked.kept.iter().find(|line| line.standing != Standing::OnOffer) {
            Some(line) => {
                let available = if let Standing::Short { left } = line.standing { left } else { 0 };
                Err(OrderRefusal::CartLineNotAvailable { option_id: line.option_id, available })
            }
            None => Ok(()),
        }
    }

    /// Refuses if the cart is not as it was seen.
    ///
    /// # Errors
    /// `CART_CHANGED`.
    pub(crate) const fn must_be_at(&self, seen_revision: i64) -> Result<(), OrderRefusal> {
        if self.revision == seen_revision { Ok(()) } else { Err(OrderRefusal::CartChanged { revision: self.revision }) }
    }
}

impl CartLine {
    /// Takes over what the catalogue says, in a revision. Says whether the line differs from what was shown of it. Another price,
    /// too little, and gone are told as well; that it can be ordered again is not.
    fn take(&mut self, sight: &Sight, revision: i64) -> bool {
        let mut differs = false;
        let standing = match sight {
            Sight::OnOffer(offer) => {
                if offer.unit_price != self.unit_price {
                    (self.price_before, self.price_changed_in) = (Some(self.unit_price), revision);
                    self.unit_price = offer.unit_price;
                    differs = true;
                }
                if offer.whereabouts != self.whereabouts {
                    self.whereabouts = offer.whereabouts.clone();
                }
                enough(self.quantity, offer.available)
            }
            Sight::OptionGone => Standing::OptionGone,
            Sight::ItemGone => Standing::ItemGone,
        };
        if standing != self.standing {
            // What `changes_since` tells.
            if standing != Standing::OnOffer {
                self.standing_changed_in = revision;
            }
            self.standing = standing;
            differs = true;
        }
        differs
    }

    /// The line asks for another number of pieces. Of a short one it is known what is left.
    pub(super) fn ask_for(&mut self, quantity: i64) {
        self.quantity = quantity;
        if let Standing::Short { left } = self.standing {
            self.standing = enough(quantity, left);
        }
    }

    fn changes_since(&self, revision: i64) -> impl Iterator<Item = CartChange> {
        let price = self.price_before.filter(|_| self.price_changed_in > revision);
        let price = price.map(|before| CartChange::PriceChanged { before, now: self.unit_price });
        let standing = match self.standing {
            _ if self.standing_changed_in <= revision => None,
            Standing::OnOffer => None,
            Standing::Short { left } => Some(CartChange::Short { quantity: self.quantity, left }),
            Standing::OptionGone => Some(CartChange::OptionGone),
            Standing::ItemGone => Some(CartChange::ItemGone),
        };
        price.into_iter().chain(standing)
    }
}

const fn enough(quantity: i64, left: i64) -> Standing {
    if left < quantity { Standing::Short { left } } else { Standing::OnOffer }
}
