//! Carts and catalogues for tests of the rules.

use std::collections::HashMap;

use bojagi_kernel::id::{ItemId, OptionId, StoreId};
use bojagi_kernel::{Currency, Money};

use super::{Cart, Offer, Sight, Whereabouts};

pub(super) const fn won(minor: i64) -> Money {
    Money::new(Currency::KRW, minor)
}

pub(super) fn offer(price: i64, available: i64) -> Offer {
    let whereabouts = Whereabouts {
        item_id: ItemId::derive(&bojagi_kernel::reexport::Uuid::nil(), "item"),
        store_id: StoreId::derive(&bojagi_kernel::reexport::Uuid::nil(), "store"),
        item_name: "Tea".into(),
        option_name: "Large".into(),
        store_name: "Tea house".into(),
    };
    Offer { whereabouts, unit_price: won(price), available }
}

pub(super) fn sight(price: i64, available: i64) -> Sight {
    Sight::OnOffer(offer(price, available))
}

/// A cart with one line of each of these: how many, and at which price.
pub(super) fn cart(lines: &[(i64, i64)]) -> (Cart, Vec<OptionId>) {
    let mut cart = Cart::default();
    let options: Vec<_> = lines.iter().map(|_| OptionId::generate()).collect();
    for (option_id, (quantity, price)) in options.iter().zip(lines) {
        cart.add(*option_id, *quantity, offer(*price, 1_000)).unwrap();
    }
    (cart, options)
}

pub(super) fn sights(of: &[(OptionId, Sight)]) -> HashMap<OptionId, Sight> {
    of.iter().cloned().collect()
}
