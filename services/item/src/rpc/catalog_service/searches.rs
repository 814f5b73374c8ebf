//! Reading what is looked for, and where a page begins.

use bojagi_api::common;
use bojagi_api::item as api;
use bojagi_chassis::Fields;
use bojagi_kernel::id::ItemId;
use bojagi_kernel::{Currency, Failure, Moment, Money};
use serde::{Deserialize, Serialize};

use crate::NAME;
use crate::domain::catalogue::{ItemOrder, ItemSearch};
use crate::rpc::read;
use crate::store::search::Place;

/// Items that are answered at once.
const MOST_ITEMS: usize = 100;

/// The ids of a batch, each once, in the order in which they were asked for.
pub(super) fn batch(item_ids: &[String]) -> Result<Vec<ItemId>, Failure> {
    let mut fields = Fields::new(NAME);
    if item_ids.is_empty() || item_ids.len() > MOST_ITEMS {
        fields.wrong("item_ids", format_args!("must be 1 to {MOST_ITEMS}"));
        return Err(fields.refuse());
    }
    let mut read = Vec::with_capacity(item_ids.len());
    for (index, item_id) in item_ids.iter().enumerate() {
        let item_id = fields.id::<ItemId>(&format!("item_ids[{index}]"), item_id);
        read.extend(item_id.filter(|item_id| !read.contains(item_id)));
    }
    fields.finish()?;
    Ok(read)
}

pub(super) fn items(fields: &mut Fields, request: &api::SearchItemsRequest) -> Option<ItemSearch> {
    let keyword = read::keyword(fields, &request.keyword);
    let category_id = fields.optional_id("category_id", &request.category_id);
    let store_id = fields.optional_id("store_id", &request.store_id);
    let min_price = optional_price(fields, "min_price", request.min_price.as_ref());
    let max_price = optional_price(fields, "max_price", request.max_price.as_ref());
    let order = match api::ItemOrder::try_from(request.order) {
        Ok(api::ItemOrder::Unspecified | api::ItemOrder::Latest) => Some(ItemOrder::Latest),
        Ok(api::ItemOrder::PriceAsc) => Some(ItemOrder::PriceAscending),
        Ok(api::ItemOrder::PriceDesc) => Some(ItemOrder::PriceDescending),
        Ok(api::ItemOrder::Hearts) => Some(ItemOrder::Hearts),
        Ok(api::ItemOrder::Popular) => Some(ItemOrder::Popular),
        Err(_) => {
            fields.wrong("order", "is not an order of items");
            None
        }
    };
    let (min_price, max_price) = (min_price?, max_price?);
    if let (Some(min), Some(max)) = (min_price, max_price) {
        if min.currency() != max.currency() {
            fields.wrong("max_price.currency_code", "must be the currency of min_price");
            return None;
        }
        if min.minor() > max.minor() {
            fields.wrong("max_price.minor_units", "must not be below min_price");
            return None;
        }
    }
    Some(ItemSearch {
        keyword: keyword?,
        category_id: category_id?,
        store_id: store_id?,
        min_price,
        max_price,
        in_stock: request.in_stock,
        order: order?,
    })
}

fn optional_price(fields: &mut Fields, field: &str, price: Option<&common::Money>) -> Option<Option<Money>> {
    if price.is_none() { Some(None) } else { fields.amount(field, price).map(Some) }
}

/// A place as page tokens carry it: microseconds of creation, currency and minor units of the lowest price, id. The figure that items
/// are listed by goes along only where there is one: tokens of the other orders are read by processes of the version before.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Cursor {
    Item(i64, String, i64, String),
    ItemWithFigure(i64, String, i64, String, i64),
}

pub(super) fn cursor(order: ItemOrder, last: Place) -> Cursor {
    let Place { created_at, lowest_price, hearts, recently_sold, item_id } = last;
    let (created_at, item_id) = (created_at.micros(), item_id.to_string());
    let (currency, minor) = (lowest_price.currency().code().to_owned(), lowest_price.minor());
    match order {
        ItemOrder::Latest | ItemOrder::PriceAscending | ItemOrder::PriceDescending => {
            Cursor::Item(created_at, currency, minor, item_id)
        }
        ItemOrder::Hearts => Cursor::ItemWithFigure(created_at, currency, minor, item_id, hearts),
        ItemOrder::Popular => Cursor::ItemWithFigure(created_at, currency, minor, item_id, recently_sold),
    }
}

pub(super) fn place(cursor: Cursor) -> Option<Place> {
    let (created_at, currency, minor, item_id, figure) = match cursor {
        Cursor::Item(created_at, currency, minor, item_id) => (created_at, currency, minor, item_id, 0),
        Cursor::ItemWithFigure(created_at, currency, minor, item_id, figure) => {
            (created_at, currency, minor, item_id, figure)
        }
    };
    Some(Place {
        created_at: Moment::from_micros(created_at),
        lowest_price: Money::new(Currency::parse(&currency).ok()?, minor),
        // Only that which the page is listed by is looked at.
        hearts: figure,
        recently_sold: figure,
        item_id: item_id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_the_orders_of_before_are_as_before() {
        let token = r#"[7,"KRW",1000,"0197c0de-0000-7000-8000-000000000001"]"#;
        for order in [ItemOrder::Latest, ItemOrder::PriceAscending, ItemOrder::PriceDescending] {
            let place = place(serde_json::from_str(token).unwrap()).unwrap();
            assert_eq!(serde_json::to_string(&cursor(order, place)).unwrap(), token);
        }
    }

    #[test]
    fn a_place_by_a_figure_has_its_number() {
        let token = r#"[7,"KRW",1000,"0197c0de-0000-7000-8000-000000000001",3]"#;
        for order in [ItemOrder::Hearts, ItemOrder::Popular] {
            let place = place(serde_json::from_str(token).unwrap()).unwrap();
            assert_eq!((place.hearts, place.recently_sold), (3, 3));
            assert_eq!(serde_json::to_string(&cursor(order, place)).unwrap(), token);
        }
    }
}
