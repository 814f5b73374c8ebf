//! Rows of lines, and lines of rows.

use bojagi_kernel::id::{ItemId, OptionId, OrderId, StoreId};
use bojagi_kernel::{Currency, Money};
use bojagi_store::{Error, from_row};

use crate::domain::{CartLine, CartLineId, Standing, Whereabouts};

/// The columns of a line, in the order of [`LineRow`].
pub(super) const COLUMNS: &str = "cart_line_id, option_id, order_id, quantity, currency, unit_price, item_id, store_id, \
    item_name, option_name, store_name, standing, pieces_left, currency_before, price_before, price_changed_in, \
    standing_changed_in";

/// One row of the table `cart_line`.
pub(super) struct LineRow {
    cart_line_id: CartLineId,
    option_id: OptionId,
    order_id: Option<OrderId>,
    quantity: i64,
    currency: String,
    unit_price: i64,
    item_id: ItemId,
    store_id: StoreId,
    item_name: String,
    option_name: String,
    store_name: String,
    standing: String,
    pieces_left: i64,
    currency_before: Option<String>,
    price_before: Option<i64>,
    price_changed_in: i64,
    standing_changed_in: i64,
}

from_row!(LineRow {
    cart_line_id,
    option_id,
    order_id,
    quantity,
    currency,
    unit_price,
    item_id,
    store_id,
    item_name,
    option_name,
    store_name,
    standing,
    pieces_left,
    currency_before,
    price_before,
    price_changed_in,
    standing_changed_in,
});

impl TryFrom<LineRow> for CartLine {
    type Error = Error;

    fn try_from(row: LineRow) -> Result<Self, Error> {
        let price_before = match (&row.currency_before, row.price_before) {
            (Some(currency), Some(minor)) => Some(money(currency, minor)?),
            _ => None,
        };
        Ok(Self {
            id: row.cart_line_id,
            option_id: row.option_id,
            order_id: row.order_id,
            quantity: row.quantity,
            unit_price: money(&row.currency, row.unit_price)?,
            whereabouts: Whereabouts {
                item_id: row.item_id,
                store_id: row.store_id,
                item_name: row.item_name,
                option_name: row.option_name,
                store_name: row.store_name,
            },
            standing: standing(&row.standing, row.pieces_left)?,
            price_before,
            price_changed_in: row.price_changed_in,
            standing_changed_in: row.standing_changed_in,
        })
    }
}

fn money(currency: &str, minor: i64) -> Result<Money, Error> {
    let currency = Currency::parse(currency).map_err(|error| Error::Database(error.to_string()))?;
    Ok(Money::new(currency, minor))
}

/// A standing as it is stored: a word, and what is left of a line that is short.
pub(super) const fn standing_columns(standing: Standing) -> (&'static str, i64) {
    match standing {
        Standing::OnOffer => ("ON_OFFER", 0),
        Standing::Short { left } => ("SHORT", left),
        Standing::OptionGone => ("OPTION_GONE", 0),
        Standing::ItemGone => ("ITEM_GONE", 0),
    }
}

fn standing(word: &str, left: i64) -> Result<Standing, Error> {
    match word {
        "ON_OFFER" => Ok(Standing::OnOffer),
        "SHORT" => Ok(Standing::Short { left }),
        "OPTION_GONE" => Ok(Standing::OptionGone),
        "ITEM_GONE" => Ok(Standing::ItemGone),
        other => Err(Error::Database(format!("{other:?} is no standing of a line"))),
    }
}
