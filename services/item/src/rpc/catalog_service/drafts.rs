//! Reading new items and changes of items.

use bojagi_api::item as api;
use bojagi_chassis::Fields;
use bojagi_kernel::id::{ItemId, RequestId};
use bojagi_kernel::{Currency, Failure};

use crate::NAME;
use crate::domain::catalogue::{ItemChange, ItemDraft};
use crate::rpc::mask::Mask;
use crate::rpc::read;

const CHANGEABLE: &[&str] = &["category_id", "name", "description", "thumbnail_url", "options"];

pub(super) fn new_item(
    request: &api::CreateItemRequest,
    currencies: &[Currency],
) -> Result<(RequestId, ItemDraft), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let store_id = fields.id("store_id", &request.store_id);
    let category_id = fields.id("category_id", &request.category_id);
    let name = fields.line("name", &request.name, read::ITEM_NAME);
    let description = fields.prose("description", &request.description, read::ITEM_DESCRIPTION);
    let thumbnail_url = read::thumbnail_url(&mut fields, &request.thumbnail_url);
    for (index, option) in request.options.iter().enumerate() {
        if !option.option_id.is_empty() {
            fields.wrong(format!("options[{index}].option_id"), "must be empty: a new item has no options to keep");
        }
    }
    let options = read::options(&mut fields, &request.options, currencies);
    let draft = (|| {
        Some(ItemDraft {
            store_id: store_id?,
            category_id: category_id?,
            name: name?,
            description: description?,
            thumbnail_url: thumbnail_url?,
            options: options?,
        })
    })();
    let (Some(request_id), Some(draft)) = (request_id, draft) else { return Err(fields.refuse()) };
    fields.finish()?;
    Ok((request_id, draft))
}

pub(super) fn item_change(
    request: &api::UpdateItemRequest,
    currencies: &[Currency],
) -> Result<(RequestId, ItemId, ItemChange), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let item_id = fields.id("item_id", &request.item_id);
    let mask = Mask::read(&mut fields, request.update_mask.as_ref(), CHANGEABLE);
    let mut change = ItemChange::default();
    if mask.has("category_id", request.category_id.is_empty()) {
        change.category_id = fields.id("category_id", &request.category_id);
    }
    if mask.has("name", request.name.is_empty()) {
        change.name = fields.line("name", &request.name, read::ITEM_NAME);
    }
    if mask.has("description", request.description.is_empty()) {
        change.description = fields.prose("description", &request.description, read::ITEM_DESCRIPTION);
    }
    if mask.has("thumbnail_url", request.thumbnail_url.is_empty()) {
        change.thumbnail_url = read::thumbnail_url(&mut fields, &request.thumbnail_url);
    }
    if mask.has("options", request.options.is_empty()) {
        change.options = read::options(&mut fields, &request.options, currencies);
    }
    let (Some(request_id), Some(item_id)) = (request_id, item_id) else { return Err(fields.refuse()) };
    fields.finish()?;
    Ok((request_id, item_id, change))
}
