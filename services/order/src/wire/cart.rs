//! Carts as they are on the wire.

use bojagi_api::order as api;
use bojagi_api::order::cart_change::Change;
use bojagi_chassis::wire::money;
use bojagi_kernel::id::OptionId;

use crate::domain::{Cart, CartChange, CartLine, Standing};

pub(crate) fn cart(cart: &Cart) -> api::Cart {
    api::Cart {
        revision: cart.revision,
        lines: cart.lines().map(line).collect(),
        totals: cart.totals().into_iter().map(money).collect(),
    }
}

pub(crate) fn line(line: &CartLine) -> api::CartLine {
    let (state, available) = match line.standing {
        Standing::OnOffer => (api::CartLineState::OnOffer, 0),
        Standing::Short { left } => (api::CartLineState::Short, left),
        Standing::OptionGone => (api::CartLineState::OptionGone, 0),
        Standing::ItemGone => (api::CartLineState::ItemGone, 0),
    };
    api::CartLine {
        option_id: line.option_id.to_string(),
        item_id: line.whereabouts.item_id.to_string(),
        store_id: line.whereabouts.store_id.to_string(),
        item_name: line.whereabouts.item_name.clone(),
        option_name: line.whereabouts.option_name.clone(),
        store_name: line.whereabouts.store_name.clone(),
        unit_price: Some(money(line.unit_price)),
        quantity: line.quantity,
        amount: Some(money(line.amount())),
        state: state.into(),
        available,
    }
}

pub(crate) fn change((option_id, change): (OptionId, CartChange)) -> api::CartChange {
    let change = match change {
        CartChange::PriceChanged { before, now } => {
            Change::PriceChanged(api::CartPriceChange { before: Some(money(before)), now: Some(money(now)) })
        }
        CartChange::Short { quantity, left } => Change::Short(api::CartShortage { quantity, available: left }),
        CartChange::OptionGone => Change::OptionGone(api::CartOptionGone {}),
        CartChange::ItemGone => Change::ItemGone(api::CartItemGone {}),
    };
    api::CartChange { option_id: option_id.to_string(), change: Some(change) }
}
