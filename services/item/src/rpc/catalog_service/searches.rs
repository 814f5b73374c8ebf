//! Reading what is looked for, and where a page begins.

use bojagi_api::common;
use bojagi_api::item as api;
use bojagi_chassis::Fields;
use bojagi_kernel::id::ItemId;
use bojagi_kernel::{Currency, Failure, Moment, Money};

use crate::NAME;
use crate::domain::catalogue::{Item, ItemOrder, ItemSearch};
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

/// A place as page tokens carry it: microseconds of creation, currency and minor units of the lowest price, id.
pub(super) type Cursor = (i64, String, i64, String);

pub(super) fn cursor(last: &Item) -> Cursor {
    let Place { created_at, lowest_price, item_id } = Place::from(last);
    (created_at.micros(), lowest_price.currency().code().to_owned(), lowest_price.minor(), item_id.to_string())
}

pub(super) fn place((created_at, currency, minor, item_id): Cursor) -> Option<Place> {
    Some(Place {
        created_at: Moment::from_micros(created_at),
        lowest_price: Money::new(Currency::parse(&currency).ok()?, minor),
        item_id: item_id.parse().ok()?,
    })
}
