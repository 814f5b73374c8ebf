//! What several orders take that ask at the same moment: one after the other, each sees what those before it have left.

use std::collections::BTreeMap;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OptionId};

use super::hold::HeldLine;
use super::refusal::StockRefusal;
use super::reservation::{Asked, Offer, decide};
use super::stock::Movement;

/// The options that are asked for, as they are on offer, and what has been taken of them.
pub(crate) struct Shelf {
    offers: BTreeMap<OptionId, Offer>,
    /// How many pieces customers have of options that limit it.
    counted: BTreeMap<(OptionId, AccountId), i64>,
    taken: Taken,
}

/// What was taken by all orders together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Pieces of each option.
    pub(crate) pieces: BTreeMap<OptionId, i64>,
    /// Pieces that are counted for a customer, of options that limit it.
    pub(crate) counted: BTreeMap<(OptionId, AccountId), i64>,
}

/// What one order has taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bundle {
    pub(crate) lines: Vec<HeldLine>,
    pub(crate) movements: Vec<Movement>,
}

impl Shelf {
    /// The options on offer, and how many pieces customers have of those that limit it.
    pub(crate) fn new(
        offers: impl IntoIterator<Item = Offer>,
        counted: impl IntoIterator<Item = ((OptionId, AccountId), i64)>,
    ) -> Self {
        Self {
            offers: offers.into_iter().map(|offer| (offer.option_id, offer)).collect(),
            counted: counted.into_iter().collect(),
            taken: Taken::default(),
        }
    }

    /// Takes everything that an order asks for, or nothing.
    pub(crate) fn take(&mut self, asked: &Asked, now: Moment) -> Result<Bundle, StockRefusal> {
        let offers = self.offers_to(asked);
        let takings = decide(&asked.lines, &offers, now)?;
        let movements = takings.iter().map(|taking| {
            let Offer { option_id, item_id, available, .. } = *taking.offer;
            Movement { option_id, item_id, quantity: taking.quantity, available: available - taking.quantity }
        });
        let movements: Vec<_> = movements.collect();
        for taking in takings {
            self.note(taking.offer, asked.customer_id, taking.quantity);
        }
        let lines = asked.lines.iter().filter_map(|line| {
            let offer = offers.iter().find(|offer| offer.option_id == line.option_id)?;
            Some(HeldLine::new(*line, offer))
        });
        Ok(Bundle { lines: lines.collect(), movements })
    }

    /// What was taken in all.
    pub(crate) fn taken(self) -> Taken {
        self.taken
    }

    /// The options that an order asks for, as they are offered to its customer now.
    fn offers_to(&self, asked: &Asked) -> Vec<Offer> {
        let mut offers: Vec<Offer> = Vec::with_capacity(asked.lines.len());
        for line in &asked.lines {
            if offers.iter().all(|offer| offer.option_id != line.option_id)
                && let Some(offer) = self.offers.get(&line.option_id)
            {
                let counted = self.counted.get(&(line.option_id, asked.customer_id));
                offers.push(Offer { taken_by_customer: counted.copied().unwrap_or(0), ..offer.clone() });
            }
        }
        offers
    }

    fn note(&mut self, offer: &Offer, customer_id: AccountId, quantity: i64) {
        let option_id = offer.option_id;
        if let Some(left) = self.offers.get_mut(&option_id) {
            left.available -= quantity;
        }
        *self.taken.pieces.entry(option_id).or_default() += quantity;
        if offer.customer_limit.is_some() {
            let key = (option_id, customer_id);
            *self.counted.entry(key).or_default() += quantity;
            *self.taken.counted.entry(key).or_default() += quantity;
        }
    }
}

#[cfg(test)]
mod tests;
