//! The only place that knows the database: its tables, its statements, and what its constraints mean.

pub(crate) mod categories;
pub(crate) mod customers;
pub(crate) mod favours;
pub(crate) mod holds;
pub(crate) mod items;
pub(crate) mod limits;
pub(crate) mod options;
pub(crate) mod placed;
pub(crate) mod rankings;
pub(crate) mod refund_schema;
pub(crate) mod refunds;
pub(crate) mod sales;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod sellers;
pub(crate) mod stock;
pub(crate) mod stores;
pub(crate) mod wishlists;

use bojagi_kernel::{Currency, Failure, Money};
use bojagi_store::{Error, Row, stored_enum, stored_ids};

use crate::domain::catalogue::CategoryId;
use crate::domain::hold::HoldState;
use crate::domain::options::{OptionState, SaleWindow};
use crate::domain::refund::RefundId;
use crate::domain::refusal::CatalogRefusal;

stored_ids!(CategoryId, RefundId);
stored_enum!(OptionState { Active => "ACTIVE", Retired => "RETIRED" });
stored_enum!(HoldState { Reserved => "RESERVED", Sold => "SOLD", Released => "RELEASED" });

/// What a violated constraint says to the caller who wanted `name`; anything else is passed on.
fn name_taken(error: Error, name: &str) -> Failure {
    let name = name.to_owned();
    match error.constraint() {
        Some("store_name_key") => CatalogRefusal::StoreNameTaken { name }.into(),
        Some("category_name_key") => CatalogRefusal::CategoryNameTaken { name }.into(),
        Some("item_name_key") => CatalogRefusal::ItemNameTaken { name }.into(),
        _ => error.into(),
    }
}

/// An amount whose currency is in the column at `first` and whose minor units are in the one after.
fn money(row: &Row<'_>, first: usize) -> Result<Money, Error> {
    let code: String = row.get(first)?;
    let currency =
        Currency::parse(&code).map_err(|error| Error::Column { index: first, problem: error.to_string() })?;
    Ok(Money::new(currency, row.get(first + 1)?))
}

/// A sale window that opens at the column at `first` and closes at the one after.
fn window(row: &Row<'_>, first: usize) -> Result<SaleWindow, Error> {
    Ok(SaleWindow { opens_at: row.get(first)?, closes_at: row.get(first + 1)? })
}
