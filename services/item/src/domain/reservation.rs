//! Whether an order gets what it asks for: all of it, or a refusal that says what stands in the way.

use std::collections::BTreeMap;

use bojagi_kernel::id::{AccountId, ItemId, OptionId, OrderId, OrderLineId, StoreId};
use bojagi_kernel::{Moment, Money};

use super::options::{OptionState, SaleWindow};
use super::refusal::StockRefusal;

/// One line of what an order asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AskedLine {
    pub(crate) order_line_id: OrderLineId,
    pub(crate) option_id: OptionId,
    /// How many pieces; above 0.
    pub(crate) quantity: i64,
    /// The price of one piece that the customer was shown.
    pub(crate) expected_unit_price: Money,
}

/// What an order asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) order_id: OrderId,
    pub(crate) customer_id: AccountId,
    pub(crate) lines: Vec<AskedLine>,
}

/// An option as it is offered at the moment, to one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) option_id: OptionId,
    pub(crate) option_name: String,
    pub(crate) item_id: ItemId,
    pub(crate) item_name: String,
    pub(crate) store_id: StoreId,
    pub(crate) store_name: String,
    pub(crate) seller_id: AccountId,
    pub(crate) state: OptionState,
    pub(crate) unit_price: Money,
    pub(crate) window: SaleWindow,
    pub(crate) customer_limit: Option<i64>,
    pub(crate) available: i64,
    /// How many pieces the customer has reserved or bought; counted only under a limit.
    pub(crate) taken_by_customer: i64,
}

/// What is taken of one option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taking<'a> {
    pub(crate) offer: &'a Offer,
    /// The sum of all lines of the option.
    pub(crate) quantity: i64,
}

/// Decides what to take, one entry an option, ordered by option.
///
/// Lines are judged in the order in which they were asked for: first whether the option is on offer at the price the
/// customer saw and within its sale window, then, per option and with its lines summed, the customer's limit and what is left.
pub(crate) fn decide<'a>(
    asked: &[AskedLine],
    offers: &'a [Offer],
    now: Moment,
) -> Result<Vec<Taking<'a>>, StockRefusal> {
    let mut takings = BTreeMap::new();
    for line in asked {
        let offer = offer_of(line, offers)?;
        offer.window.check(line.option_id, now)?;
        let taking = takings.entry(line.option_id).or_insert(Taking { offer, quantity: 0 });
        // Beyond the largest number there is certainly not enough in stock.
        taking.quantity = taking.quantity.saturating_add(line.quantity);
    }
    let takings: Vec<_> = takings.into_values().collect();
    takings.iter().try_for_each(check_quantity)?;
    Ok(takings)
}

/// The offer that a line asks for, if it is still what the customer was shown.
fn offer_of<'a>(line: &AskedLine, offers: &'a [Offer]) -> Result<&'a Offer, StockRefusal> {
    let option_id = line.option_id;
    let offer = offers
        .iter()
        .find(|offer| offer.option_id == option_id && offer.state == OptionState::Active)
        .ok_or(StockRefusal::ItemNotFound { option_id })?;
    if offer.unit_price != line.expected_unit_price {
        let currency_code = offer.unit_price.currency().code().to_owned();
        return Err(StockRefusal::PriceChanged { option_id, currency_code, minor_units: offer.unit_price.minor() });
    }
    Ok(offer)
}

fn check_quantity(taking: &Taking<'_>) -> Result<(), StockRefusal> {
    let Offer { option_id, available, taken_by_customer: already, .. } = *taking.offer;
    if let Some(limit) = taking.offer.customer_limit
        && already.saturating_add(taking.quantity) > limit
    {
        return Err(StockRefusal::PurchaseLimit { option_id, limit, already });
    }
    if taking.quantity > available {
        return Err(StockRefusal::OutOfStock { option_id, available });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
