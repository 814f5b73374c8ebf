//! Reading what clients describe.

use std::collections::HashSet;

use bojagi_api::item as api;
use bojagi_chassis::Fields;
use bojagi_kernel::{Currency, Money};
use http::Uri;

use crate::domain::options::{self, OptionDraft, SaleWindow};
use crate::domain::reservation::AskedLine;

/// Characters of a store's name.
pub(super) const STORE_NAME: usize = 100;
/// Characters of a store's description.
pub(super) const STORE_DESCRIPTION: usize = 2_000;
/// Characters of a category's name.
pub(super) const CATEGORY_NAME: usize = 50;
/// Characters of an item's name.
pub(super) const ITEM_NAME: usize = 200;
/// Characters of an item's description.
pub(super) const ITEM_DESCRIPTION: usize = 10_000;
/// Pieces that go in or out, or are asked for, at once: sums of them stay far below what a counter can hold.
pub(super) const MOST_PIECES: i64 = 1_000_000_000;
/// Characters of an option's name.
const OPTION_NAME: usize = 100;
/// Characters of the address of a picture.
const THUMBNAIL_URL: usize = 2_000;
/// Characters of a keyword.
const KEYWORD: usize = 100;
/// Options of an item.
const MOST_OPTIONS: usize = 100;
/// Lines of an order.
const MOST_LINES: usize = 100;
/// The highest price, in minor units: with it, a line of the most pieces still fits where amounts are multiplied.
const HIGHEST_PRICE: i64 = 1_000_000_000_000;

/// Where a picture is: an http or https URL, or nothing.
pub(super) fn thumbnail_url(fields: &mut Fields, url: &str) -> Option<String> {
    let text = fields.prose("thumbnail_url", url, THUMBNAIL_URL)?;
    let is_web_address = |uri: Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    if text.is_empty() || text.parse().is_ok_and(is_web_address) {
        return Some(text);
    }
    fields.wrong("thumbnail_url", "must be an http or https URL");
    None
}

/// A keyword, trimmed; possibly empty.
pub(super) fn keyword(fields: &mut Fields, keyword: &str) -> Option<String> {
    fields.prose("keyword", keyword.trim(), KEYWORD)
}

/// The options of an item, which fit together and are priced in currencies that the shop takes.
pub(super) fn options(
    fields: &mut Fields,
    drafts: &[api::OptionDraft],
    shop_currencies: &[Currency],
) -> Option<Vec<OptionDraft>> {
    if drafts.is_empty() || drafts.len() > MOST_OPTIONS {
        fields.wrong("options", format_args!("must be 1 to {MOST_OPTIONS}"));
        return None;
    }
    let read: Vec<_> = drafts.iter().enumerate().map(|(index, draft)| option(fields, index, draft)).collect();
    let read: Vec<_> = read.into_iter().collect::<Option<_>>()?;
    let wrong = options::check(&read, shop_currencies);
    if wrong.is_empty() {
        return Some(read);
    }
    wrong.into_iter().for_each(|violation| fields.wrong(violation.field, violation.description));
    None
}

fn option(fields: &mut Fields, index: usize, draft: &api::OptionDraft) -> Option<OptionDraft> {
    let field = |name: &str| format!("options[{index}].{name}");
    let option_id = fields.optional_id(&field("option_id"), &draft.option_id);
    let name = fields.line(&field("name"), &draft.name, OPTION_NAME);
    let price = fields.positive_amount(&field("price"), draft.price.as_ref());
    let price = price.filter(|price| bounded(fields, &field("price.minor_units"), *price));
    let stock = fields.count(&field("stock"), draft.stock, 0..=MOST_PIECES);
    let window = fields.time_range(&field("sale_window"), draft.sale_window.as_ref());
    let limit = fields.count(&field("per_customer_limit"), draft.per_customer_limit, 0..=MOST_PIECES);
    let (opens_at, closes_at) = window?;
    Some(OptionDraft {
        option_id: option_id?,
        name: name?,
        price: price?,
        stock: stock?,
        window: SaleWindow { opens_at, closes_at },
        customer_limit: Some(limit?).filter(|limit| *limit > 0),
    })
}

fn bounded(fields: &mut Fields, field: &str, price: Money) -> bool {
    fields.count(field, price.minor(), 1..=HIGHEST_PRICE).is_some()
}

/// The lines of what an order asks for.
pub(super) fn asked_lines(fields: &mut Fields, lines: &[api::ReserveStockLine]) -> Option<Vec<AskedLine>> {
    if lines.is_empty() || lines.len() > MOST_LINES {
        fields.wrong("lines", format_args!("must be 1 to {MOST_LINES}"));
        return None;
    }
    let read: Vec<_> = lines.iter().enumerate().map(|(index, line)| asked_line(fields, index, line)).collect();
    let read: Vec<_> = read.into_iter().collect::<Option<_>>()?;
    let mut seen = HashSet::new();
    let twice = read.iter().position(|line: &AskedLine| !seen.insert(line.order_line_id));
    if let Some(index) = twice {
        fields.wrong(format!("lines[{index}].order_line_id"), "another line has this id");
        return None;
    }
    Some(read)
}

fn asked_line(fields: &mut Fields, index: usize, line: &api::ReserveStockLine) -> Option<AskedLine> {
    let field = |name: &str| format!("lines[{index}].{name}");
    let order_line_id = fields.id(&field("order_line_id"), &line.order_line_id);
    let option_id = fields.id(&field("option_id"), &line.option_id);
    let quantity = fields.count(&field("quantity"), line.quantity, 1..=MOST_PIECES);
    let price = fields.positive_amount(&field("expected_unit_price"), line.expected_unit_price.as_ref());
    Some(AskedLine {
        order_line_id: order_line_id?,
        option_id: option_id?,
        quantity: quantity?,
        expected_unit_price: price?,
    })
}
