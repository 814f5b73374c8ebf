//! What tests of the rules begin with.

use bojagi_kernel::id::{AccountId, ItemId, OptionId, StoreId};
use bojagi_kernel::{Currency, Money};

use super::options::{OptionState, SaleWindow};
use super::reservation::Offer;

/// An amount in won.
pub(crate) const fn won(minor: i64) -> Money {
    Money::new(Currency::KRW, minor)
}

/// An option of which so many pieces are there, at 5,000 won, always on sale and to anybody.
pub(crate) fn offer(available: i64) -> Offer {
    Offer {
        option_id: OptionId::generate(),
        option_name: "red".into(),
        item_id: ItemId::generate(),
        item_name: "mug".into(),
        store_id: StoreId::generate(),
        store_name: "kiln".into(),
        seller_id: AccountId::generate(),
        state: OptionState::Active,
        unit_price: won(5_000),
        window: SaleWindow::default(),
        customer_limit: None,
        available,
        taken_by_customer: 0,
    }
}
